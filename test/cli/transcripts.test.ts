import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
const documentedStore = '/var/lib/tbuild';

interface Typed {
  readonly command: string;
  readonly output: string;
}

/** The blocks `console test` of a page: `$ ` and a command, and what it prints. All of a page are one session of one shell. */
function transcriptOf(page: string): readonly Typed[] {
  const blocks = [...readFileSync(join(docs, page), 'utf8').matchAll(/^```console test\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap(([, text = '']) =>
    text
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf('\n');
        return { command: part.slice(0, end), output: part.slice(end + 1) };
      }),
  );
}

const pages = readdirSync(docs)
  .filter((page) => page.endsWith('.md'))
  .map((page) => ({ page, typed: transcriptOf(page) }))
  .filter(({ typed }) => typed.length > 0);

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

describe.skipIf(lacks('user-namespaces', 'overlay'))('what the documentation shows of a terminal', () => {
  test('is on some pages', () => expect(pages).not.toEqual([]));

  test.each(pages)('is what is printed: $page', async ({ page, typed }) => {
    const directory = join(shell.directory, page);
    mkdirSync(directory);
    const store = String(shell.environment['TBUILD_STORE']);
    const commands = typed.map(({ command }) => command.replaceAll(documentedStore, store));
    const script = commands.map((command, index) => `printf 'command ${index}\\n'\n${command}\n`).join('');
    const { stdout, status } = await shell.sh(`cd ${directory}; exec 2>&1\n${script}`);
    const printed = stdout.split(/^command \d+\n/m).slice(1);
    const stable = (text: string): string => shell.stable(text.replaceAll(store, documentedStore));
    expect(printed.map((output, index) => `$ ${typed[index]?.command}\n${stable(output)}`)).toEqual(
      typed.map(({ command, output }) => `$ ${command}\n${stable(output)}`),
    );
    expect(status).toBe(0);
  });
});
