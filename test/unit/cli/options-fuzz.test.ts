import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseContext } from '../../../src/build/contexts/context-spec.ts';
import { namedContexts } from '../../../src/build/contexts/named-contexts.ts';
import { parseOutput } from '../../../src/build/outputs.ts';
import { parseSecrets, parseSsh } from '../../../src/build/secret-options.ts';
import { parseCall } from '../../../src/cli/calls/call.ts';
import { parseArguments } from '../../../src/cli/command.ts';
import { command } from '../../../src/cli/commands/build.ts';
import { keyValues } from '../../../src/cli/key-values.ts';
import { parseInstruction } from '../../../src/dockerfile/parse-instruction.ts';
import { expandInstruction } from '../../../src/dockerfile/expand-instruction.ts';
import { readMount } from '../../../src/dockerfile/run-mount.ts';
import { TbuildError } from '../../../src/errors.ts';
import { parsePlatform } from '../../../src/oci/platform.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { holds, propertyTimeout } from '../../helpers/property.ts';

const keys = [
  'type',
  'id',
  'src',
  'source',
  'env',
  'dest',
  'target',
  'dst',
  'from',
  'format',
  'ro',
  'rw',
  'readonly',
  'required',
  'size',
  'sharing',
  'mode',
  'uid',
  'gid',
  'raw',
  'name',
  'ID',
  'constructor',
  '__proto__',
  'toString',
  '',
];
const words = [
  'file',
  'env',
  'oci',
  'docker',
  'tar',
  'local',
  'image',
  'registry',
  'bind',
  'cache',
  'tmpfs',
  'secret',
  'ssh',
  'json',
  'text',
  'outline',
  'targets',
  'check',
  'build',
  'default',
  'shared',
  'locked',
  '/',
  '/dev/null',
  '/nowhere/x',
  '.',
  '-',
  '-1',
  '0',
  '0700',
  '99999999999',
  '1g',
  'true',
  'FALSE',
  'docker-image://',
  'oci-layout://',
  'https://',
  'git@h:p',
  'target:',
  '$V',
  '${',
  'linux/amd64',
  'linux',
  '__proto__',
  'constructor',
  'a',
  'A:b@sha256:',
];
const marks = [
  ',',
  '=',
  '"',
  '""',
  '\\"',
  "'",
  ' ',
  '\n',
  '\r',
  '\t',
  '\0',
  '\\',
  ':',
  '://',
  '@',
  '#',
  '/',
  '..',
  '\ud800',
  '\u00e9',
  '\u{1f4a9}',
];
const scrap = fc.oneof(fc.constantFrom(...keys, ...words, ...marks), fc.string({ unit: 'binary', maxLength: 4 }));
const field = fc.oneof(
  {
    arbitrary: fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...words)).map(([key, value]) => `${key}=${value}`),
    weight: 4,
  },
  { arbitrary: fc.array(scrap, { maxLength: 4 }).map((parts) => parts.join('')), weight: 1 },
);
const fields = fc.array(field, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(','));

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  '--secret': (text) => parseSecrets([text]),
  '--ssh': (text) => parseSsh([text]),
  '--output': (text) => parseOutput(text, new PassThrough()),
  '--call': (text) => parseCall(text, undefined),
  '--build-context': (text) => namedContexts(keyValues('--build-context', [text], () => '')),
  CONTEXT: (text) => parseContext(text, false),
  '--platform': parsePlatform,
  '--tag': parseReference,
};

/** `undefined` for a TbuildError; anything else that is thrown fails. */
function orRefused(run: () => unknown): unknown {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof TbuildError) return undefined;
    throw error;
  }
}

describe('whatever the text, nothing but a TbuildError is thrown', () => {
  test.each(Object.entries(readers))('by the reader of %s', { timeout: propertyTimeout }, async (name, read) => {
    await holds(
      name,
      fc.property(fields, (text) => {
        expect(() => orRefused(() => read(text))).not.toThrow();
      }),
    );
  });

  test('by that of RUN --mount', { timeout: propertyTimeout }, async () => {
    const env = new Map([['V', 'a"b,c']]);
    let read = 0;
    await holds(
      'RUN --mount',
      fc.property(fields, (text) => {
        const line = `RUN --mount=${text.replaceAll(/[\n\r]/g, '')} true`;
        const found = orRefused(() => {
          const run = expandInstruction(parseInstruction(line, { file: 'f' }), env, '\\');
          if (run.kind !== 'run') throw new TypeError('RUN was read as something else');
          return run.mounts.map((mount) => readMount(mount));
        });
        if (found !== undefined) read++;
      }),
    );
    expect(read).toBeGreaterThan(0);
  });

  test('by that of a whole command line', { timeout: propertyTimeout }, async () => {
    const option = fc.constantFrom(...Object.keys(command.spec.options), 'help', 'store', 'unknown', '');
    const word = fc.oneof(
      fc.tuple(option, fields).map(([name, value]) => `--${name}=${value}`),
      option.map((name) => `--${name}`),
      fc.constantFrom('-t', '-f', '-o', '-q', '-tq', '-', '--', '-x', '.', '-h'),
      fields,
    );
    await holds(
      'command line',
      fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
        orRefused(() => {
          const args = parseArguments(command.spec, argv);
          for (const [name, { type }] of Object.entries(command.spec.options)) {
            if (type === 'boolean') expect(typeof args.flag(name)).toBe('boolean');
            else
              expect(args.strings(name)).toSatisfy(
                (given: unknown) => typeof given === 'string' || Array.isArray(given),
              );
          }
        });
      }),
    );
  });
});
