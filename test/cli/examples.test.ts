import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLoaders } from '../../src/cli/commands/index.ts';
import { manual } from '../../src/cli/manual.ts';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

const dockerfile = `FROM base AS build
ARG MODE=release
RUN echo $MODE > /mode
FROM build
CMD ["echo", "it runs"]
`;

let shell: Shell;
let directory: string;
beforeAll(async () => {
  shell = await openShell();
  directory = join(shell.directory, 'examples');
  mkdirSync(directory);
  writeFileSync(join(directory, 'Dockerfile'), dockerfile);
  // Stands in for the program that would download a distribution.
  writeFileSync(join(shell.directory, 'bin/mmdebstrap'), '#!/bin/sh\ncat "$HOME/base.tar"\n', { mode: 0o755 });
  const { status, stderr } = await shell.sh(
    `cp base.tar ${directory} && cd ${directory} && tbuild -t app . && tbuild save -o app.tar app`,
  );
  if (status !== 0) throw new Error(`no image app: ${stderr}`);
});
afterAll(() => shell[Symbol.dispose]());

test('every command has examples in its help', async () => {
  const commands = await Promise.all(commandLoaders.map(({ load }) => load()));
  expect(Object.keys(manual).toSorted()).toEqual(commands.map(({ spec }) => spec.name).toSorted());
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('the examples of --help work', () => {
  const examples = Object.values(manual).flatMap(({ examples: own }) => own.map(({ command }) => command));
  test.each(examples)('%s', async (command) => {
    expect(await shell.sh(`cd ${directory} && set -e\n${command}`)).toMatchObject({ status: 0, stderr: '' });
  });
});
