import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catalogue, findRule, ruleUrl } from '../../../src/checks/catalogue.ts';
import { ownRules } from '../../../src/checks/own-rules.ts';
import { isTbuildError } from '../../../src/errors.ts';
import { holds, propertyTimeout } from '../../helpers/property.ts';
import { findings } from './evidence.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/own-checks/', import.meta.url));
const manual = readFileSync(fileURLToPath(new URL('../../../docs/checks.md', import.meta.url)), 'utf8');

describe('the rules that docker does not have', () => {
  test('have names of their own, and two examples each', () => {
    const names = ownRules.map(({ name }) => name);
    expect(new Set([...names, ...catalogue.map(({ name }) => name)]).size).toBe(names.length + catalogue.length);
    expect(readdirSync(fixtures).toSorted()).toEqual(names.toSorted());
  });

  test.each(ownRules)('$name has its section in docs/checks.md, with both examples, and no page of docker', (rule) => {
    const section = manual.split(`### ${rule.name}\n`)[1]?.split(/^### /m)[0] ?? '';
    for (const text of [`${rule.description}.`, `Why: ${rule.why}`, `Fix: ${rule.fix}`])
      expect(section).toContain(text);
    for (const kind of ['bad', 'good'])
      expect(section).toContain(readFileSync(`${fixtures}${rule.name}/${kind}.Dockerfile`, 'utf8'));
    expect(findRule(rule.name)).toBe(rule);
    expect(ruleUrl(rule)).toBeUndefined();
  });

  // What files hold is in no text: test/cli/own-checks.test.ts.
  test.each(ownRules.filter(({ name }) => name !== 'SecretInCopiedFile'))(
    '$name finds the bad example by its text, and nothing in the good one',
    ({ name }) => {
      const read = (kind: string): readonly string[] =>
        findings(readFileSync(`${fixtures}${name}/${kind}.Dockerfile`, 'utf8'), { strict: true })
          .map((line) => line.split(':')[0] ?? '')
          // The bases of the examples are named as people name them.
          .filter((rule) => rule === name || rule !== 'BaseWithoutDigest');
      expect(new Set(read('bad'))).toEqual(new Set([name]));
      expect(read('good')).toEqual([]);
    },
  );
});

const parts =
  `FROM a AS b|FROM b|FROM scratch|COPY . /|COPY --from=b / /|COPY $A \${B:-x} /d/|WORKDIR d/../..|USER a|ARG A|ENV A=$A
ADD https://example.com/a /t/|COPY <<E /.env\\nA=1\\nE|RUN npm ci|RUN ["npm", "ci"]|RUN []|RUN apt-get update|RUN rm -rf /t/* $A ~
RUN cd / && rm d|RUN <<E\\n#!/bin/sh\\nrm /d\\nE|RUN --mount=type=cache,target=$A,from=x pip install x|RUN --mount=from=c rm .|RUN $(|RUN a > /d; rm /d`
    .split(/[|\n]/)
    .map((part) => part.replaceAll('\\n', '\n'));

test(
  'whatever the Dockerfile, they end with findings in its lines, or it is refused with a code',
  () =>
    holds(
      'rules of our own',
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 12 }), fc.boolean(), (lines, strict) => {
        const text = ['FROM a', ...lines].join('\n');
        try {
          for (const finding of findings(text, { strict })) {
            const [, number] = /\(line (\d+)\)$/.exec(finding) ?? [];
            expect(Number(number)).toBeLessThanOrEqual(text.split('\n').length);
          }
        } catch (error) {
          if (!isTbuildError(error)) throw error;
        }
      }),
    ),
  propertyTimeout,
);
