import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Example {
  readonly page: string;
  readonly language: string;
  readonly code: string;
}

/** Fenced blocks whose language is followed by `test`. */
const examples = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
  .filter((page) => page.endsWith('.md'))
  .flatMap((page): Example[] =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/^```(sh|ts|yaml) test\n([\s\S]*?)^```$/gm)].map((match) => ({
      page,
      language: match[1] ?? '',
      code: match[2] ?? '',
    })),
  );

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
  // Stands in for the program that would download a distribution.
  writeFileSync(join(shell.directory, 'bin/mmdebstrap'), '#!/bin/sh\ncat "$HOME/base.tar"\n', { mode: 0o755 });
});
afterAll(() => shell[Symbol.dispose]());

async function runExample({ language, code }: Example, directory: string): Promise<unknown> {
  writeFileSync(join(directory, 'Dockerfile'), 'FROM base\nARG MODE\nRUN echo $MODE > /mode\nCMD ["true"]\n');
  if (language === 'sh') return shell.sh(`cd ${directory} && set -e\n${code}`);
  if (language === 'yaml') return shell.sh(`cd ${directory} && set -e\n${scriptOf(code)}`);
  const library = pathToFileURL(join(root, 'dist/index.js')).href;
  const { code: script } = await transform(code, { loader: 'ts', format: 'esm', target: 'node20' });
  writeFileSync(join(directory, 'example.mjs'), script.replaceAll('"tbuild"', JSON.stringify(library)));
  return shell.sh(`cd ${directory} && '${process.execPath}' example.mjs`);
}

/** What a job of a CI system runs: the lines of its `script`, but for the installation of the project's packages. */
function scriptOf(job: string): string {
  const lines = [...job.matchAll(/^ +- (.*?)(?: #.*)?$/gm)].map((match) => match[1] ?? '');
  return lines
    .filter((line) => line !== 'npm ci')
    .map((line) => line.replace(/^npx /, ''))
    .join('\n');
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('the examples of the documentation work', () => {
  test('there are some in each language', () => {
    expect(new Set(examples.map(({ language }) => language))).toEqual(new Set(['sh', 'ts', 'yaml']));
  });

  test.each(examples.map((example, index) => [`${example.page}, ${index}`, example] as const))(
    '%s',
    async (_, example) => {
      const directory = join(shell.directory, `example-${examples.indexOf(example)}`);
      mkdirSync(directory);
      expect(await runExample(example, directory)).toMatchObject({ status: 0, stderr: '' });
    },
  );
});
