import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tree } from '../helpers/tree.ts';

/** A small Dockerfile that docker and tbuild must read alike: the same config, history and files, or a refusal of both. */
export interface DifferentialCase {
  readonly name: string;
  readonly dockerfile: string;
  /** The build context beside the Dockerfile. */
  readonly files: Tree;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** By id. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  /** How the context is given: `directory`, `git`, `git#REF:DIR`, `tar`, `tar.gz`, or `dockerfile`, which has nothing else. All but the first are behind a URL. */
  readonly context: string;
  /** `-f`; undefined: none. */
  readonly file: string | undefined;
  /** Named contexts: paths of directories in the context, or what else `--build-context` takes. */
  readonly named: Readonly<Record<string, string>>;
  /** Why tbuild does otherwise on purpose, and what it does: `built`, or the code of its error. */
  readonly differs: { readonly outcome: string; readonly why: string } | undefined;
}

/** By topic: the cases of each `fixtures/differential/TOPIC.txt` (fixtures/README.md describes the format). */
export function readCases(directory: string): Readonly<Record<string, readonly DifferentialCase[]>> {
  const topics = readdirSync(directory).filter((name) => name.endsWith('.txt'));
  return Object.fromEntries(
    topics
      .toSorted()
      .map((name) => [name.slice(0, -'.txt'.length), parseCases(readFileSync(join(directory, name), 'utf8'))]),
  );
}

function parseCases(text: string): readonly DifferentialCase[] {
  const [before = '', ...parts] = text.split(/^=== /m);
  if (before !== '') throw new TypeError('the first line must name a case');
  return parts.map(parseCase);
}

const commonFiles: Tree = { f: 'f\n', 'd/g': 'g\n' };

const settingNames = new Set([
  'build-arg',
  'label',
  'secret',
  'target',
  'file',
  'link',
  'directory',
  'differs',
  'context',
  'dockerfile',
  'named',
]);

function parseCase(part: string): DifferentialCase {
  const [name = '', ...lines] = part.split('\n');
  const first = lines.findIndex((line) => !line.startsWith('--- '));
  const settings = lines.slice(0, first).map((line) => {
    const [, key = '', value = ''] = /^--- (\S+) (.*)$/.exec(line) ?? [];
    return { key, value };
  });
  const unknown = settings.find(({ key }) => !settingNames.has(key));
  if (unknown !== undefined) throw new TypeError(`${name}: unknown setting ${unknown.key}`);
  const all = (key: string): readonly string[] => settings.flatMap((each) => (each.key === key ? [each.value] : []));
  const [differs] = all('differs');
  return {
    name,
    dockerfile: expandMarks(lines.slice(first).join('\n')),
    files: {
      ...commonFiles,
      ...pairs(all('file').map(expandMarks)),
      ...Object.fromEntries(Object.entries(pairs(all('link'))).map(([path, link]) => [path, { link }])),
      ...Object.fromEntries(all('directory').map((path) => [path, null])),
    },
    buildArgs: pairs(all('build-arg')),
    labels: pairs(all('label')),
    secrets: pairs(all('secret')),
    target: all('target')[0],
    context: all('context')[0] ?? 'directory',
    file: all('dockerfile')[0],
    named: pairs(all('named')),
    differs: differs === undefined ? undefined : { outcome: cut(differs, ': ')[0], why: cut(differs, ': ')[1] },
  };
}

function pairs(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.map((text) => cut(text, '=')));
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  if (at === -1) throw new TypeError(`${text}: no ${separator}`);
  return [text.slice(0, at), text.slice(at + separator.length)];
}

const marks: Readonly<Record<string, string>> = {
  '@LF@': '\n',
  '@CR@': '\r',
  '@BOM@': '\uFEFF',
  '@VT@': '\v',
  '@FF@': '\f',
  '@NBSP@': '\u00a0',
  '@NUL@': '\0',
  // As long as a line of a Dockerfile may be at most.
  '@LONG@': 'x'.repeat(0xffff),
  '@END@\n': '',
};

/** Characters that an editor would lose; `@END@` stands for the end of a file without a line end. */
function expandMarks(text: string): string {
  return text.replaceAll(
    /@[A-Z]+@\n?/g,
    (mark) => marks[mark] ?? (marks[mark.trimEnd()] ?? mark.trimEnd()) + (mark.endsWith('\n') ? '\n' : ''),
  );
}
