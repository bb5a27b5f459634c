import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../../src/errors.ts';
import { listCases } from '../../compare/cases.ts';
import { expectations } from '../../compare/expected.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const fixtures = join(root, 'fixtures/compare');
const cases = listCases(fixtures);

describe('the cases that are compared with docker', () => {
  test('are at least 40, each with a Dockerfile', () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
    expect(cases.filter(({ name }) => !existsSync(join(fixtures, name, 'Dockerfile')))).toEqual([]);
  });

  test('every expected difference has its section in docs/differences.md, and every section its difference', () => {
    const text = readFileSync(join(root, 'docs/differences.md'), 'utf8');
    const sections = [...text.matchAll(/^### (.*)$/gm)].map((match) => match[1] ?? '');
    const expected = [...expectations.map(({ title }) => title), ...cases.flatMap(({ why }) => why ?? [])];
    expect(sections.toSorted()).toEqual([...new Set(expected)].toSorted());
  });

  test.each(cases.filter(({ tbuildRefuses }) => tbuildRefuses !== undefined))(
    '$name is refused with a code that exists, and by both unless a section says why',
    ({ tbuildRefuses, dockerRefuses, why }) => {
      expect(Object.keys(errorCodes)).toContain(tbuildRefuses);
      expect(dockerRefuses).toBe(why === undefined);
    },
  );

  test('every instruction is in one of them', () => {
    const texts = cases.map(({ name }) => readFileSync(join(fixtures, name, 'Dockerfile'), 'utf8')).join('\n');
    const instructions =
      'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR';
    expect(instructions.split(' ').filter((name) => !new RegExp(`^${name} `, 'm').test(texts))).toEqual([]);
  });
});
