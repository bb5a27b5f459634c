import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { commonOptions } from '../src/cli/command.ts';
import { formatHelp } from '../src/cli/help.ts';
import { commandLoaders } from '../src/cli/commands/index.ts';
import { errorCodes } from '../src/errors.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = listPages();

const cliIntroduction = `# Command line

Names, flags and columns are docker's where docker has them. \`tbuild -t app .\` works without the word \`build\`. Unknown options are errors. Every command takes \`--help\` and \`--store DIR\`;
\`tbuild --version\` prints the version.

The exit status is 0, 1 after a failure, 125 for a mistake on the command line, 130 after Ctrl-C (128 and the number of any other signal), 141 when nobody reads the output any more. That of \`tbuild run\` is
that of the command that ran, 128 and the number of the signal that ended it, or 125 where there was no command. What fails is said on standard error with a code from [errors](errors.md); the results go to
standard output.

This page is what \`--help\` prints.
`;

describe('docs/errors.md', () => {
  const text = readFileSync(join(root, 'docs/errors.md'), 'utf8');
  const documented = headingsOfLevel3(text);

  test('documents every code once, and no code that does not exist', () => {
    expect(documented).toEqual(Object.keys(errorCodes).toSorted());
  });

  test.each(Object.entries(errorCodes))('%s has the meaning that errors.ts gives it', (code, meaning) => {
    const section = text.split(`### ${code}\n`)[1]?.split(/^#/m)[0] ?? '';
    expect(plain(section)).toContain(plain(meaning).replace(/\.$/, ''));
  });

  test('every code is used somewhere in src/', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== 'errors.ts')
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      .join('\n');
    expect(Object.keys(errorCodes).filter((code) => !sources.includes(code))).toEqual([]);
  });
});

describe('docs/events.md', () => {
  test('documents every event of a build, and no other', () => {
    const source = readFileSync(join(root, 'src/build/events.ts'), 'utf8');
    const declared = new Set([...source.matchAll(/readonly type: '([^']+)'/g)].map((match) => match[1] ?? ''));
    const text = readFileSync(join(root, 'docs/events.md'), 'utf8');
    expect(headingsOfLevel3(text)).toEqual([...declared].toSorted());
  });
});

describe('docs/cli.md', () => {
  test('holds every command and option as --help prints them; rewrite it with npm run test:unit -- test/docs.test.ts --update', async () => {
    const commands = await Promise.all(commandLoaders.map(({ load }) => load()));
    const sections = commands.map(({ spec }) => `## tbuild ${spec.name}\n\n\`\`\`\n${formatHelp(spec)}\`\`\`\n`);
    await expect(`${cliIntroduction}\n${sections.join('\n')}`).toMatchFileSnapshot(join(root, 'docs/cli.md'));
  });

  test('the introduction names every option that all commands take', () => {
    for (const name of Object.keys(commonOptions)) expect(cliIntroduction).toContain(`--${name}`);
  });
});

describe('every page', () => {
  test.each(pages)('%s links to files and headings that exist', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  test('of docs/ is in the reading order', () => {
    const order = readFileSync(join(root, 'docs/README.md'), 'utf8');
    const missing = pages
      .filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
      .filter((page) => !order.includes(`(${page.slice('docs/'.length)})`));
    expect(missing).toEqual([]);
  });

  test('names no npm script that does not exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const unknown = pages.flatMap((page) =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/\bnpm run ([\w:-]+)/g)]
        .map((match) => match[1] ?? '')
        .filter((name) => !Object.hasOwn(scripts, name))
        .map((name) => `${page}: npm run ${name}`),
    );
    expect(unknown).toEqual([]);
  });
});

function headingsOfLevel3(text: string): string[] {
  return [...text.matchAll(/^### (\S+)$/gm)].map((match) => match[1] ?? '').toSorted();
}

/** Markdown pages that people read, relative to the project. */
function listPages(): string[] {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'));
  const below = ['docs', 'fixtures', 'bench', 'addon'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.startsWith('build/'))
      .map((name) => join(folder, name)),
  );
  return [...top, ...below].toSorted();
}

function brokenLinks(page: string): string[] {
  const text = withoutCode(readFileSync(join(root, page), 'utf8'));
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  return targets.filter((target) => !/^https?:/.test(target) && !resolves(page, target));
}

function resolves(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(root, page) : join(root, dirname(page), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || headings(readFileSync(file, 'utf8')).includes(anchor);
}

/** As GitHub derives anchors from headings. */
function headings(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '');
}

function plain(text: string): string {
  return text.replaceAll('`', '').replace(/\s+/g, ' ');
}
