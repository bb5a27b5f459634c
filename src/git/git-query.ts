import { posix } from 'node:path';
import type { GitSource } from './git-source.ts';

type GitOptions = Pick<
  GitSource,
  'ref' | 'subdir' | 'checksum' | 'keepGitDir' | 'submodules' | 'mtime' | 'fetchByCommit'
>;

/** What the query and the fragment of a git URL say together. A text: why that cannot be. */
export function parseQuery(
  query: string,
  fragment: { readonly ref: string; readonly subdir: string },
): GitOptions | string {
  const values = valuesOf(query);
  if (typeof values === 'string') return values;
  const checksum = sameOrConflict('checksum', [values.get('checksum'), values.get('commit')]);
  if (typeof checksum === 'string') return checksum;
  const refs = refsOf(values, fragment.ref);
  if (typeof refs === 'string') return refs;
  const ref = sameOrConflict('ref', refs);
  if (typeof ref === 'string') return ref;
  const subdir = sameOrConflict('subdir', [nonEmpty(fragment.subdir), values.get('subdir')].map(cleanSubdir));
  if (typeof subdir === 'string') return subdir;
  const keepGitDir = booleanOf(values, 'keep-git-dir');
  const submodules = booleanOf(values, 'submodules');
  const fetchByCommit = booleanOf(values, 'fetch-by-commit');
  const mtime = values.get('mtime') ?? 'checkout';
  for (const flag of [keepGitDir, submodules, fetchByCommit]) if (typeof flag === 'string') return flag;
  if (mtime !== 'checkout' && mtime !== 'commit') return `invalid mtime ${JSON.stringify(mtime)}: checkout or commit`;
  return {
    ref: ref.value ?? checksum.value,
    subdir: subdir.value ?? '',
    checksum: checksum.value,
    keepGitDir: keepGitDir as boolean | undefined,
    submodules: submodules !== false,
    fetchByCommit: fetchByCommit === true,
    mtime,
  };
}

const known: ReadonlySet<string> = new Set([
  'ref',
  'tag',
  'branch',
  'subdir',
  'checksum',
  'commit',
  'keep-git-dir',
  'submodules',
  'mtime',
  'fetch-by-commit',
]);
const booleans: ReadonlySet<string> = new Set(['keep-git-dir', 'submodules', 'fetch-by-commit']);

function valuesOf(query: string): ReadonlyMap<string, string> | string {
  const values = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(query)) {
    if (!known.has(key)) return `unexpected query ${JSON.stringify(key)}`;
    if (values.has(key)) return `query ${JSON.stringify(key)} has multiple values`;
    if (value === '' && !booleans.has(key)) return `query ${JSON.stringify(key)} has no value`;
    values.set(key, value);
  }
  return values;
}

function refsOf(values: ReadonlyMap<string, string>, fragment: string): readonly (string | undefined)[] | string {
  const tag = values.get('tag');
  const branch = values.get('branch');
  if (tag !== undefined && branch !== undefined) return 'branch conflicts with tag';
  const full = (prefix: string, name: string | undefined): string | undefined =>
    name === undefined || name.startsWith(prefix) ? name : prefix + name;
  return [nonEmpty(fragment), values.get('ref'), full('refs/tags/', tag), full('refs/heads/', branch)];
}

function sameOrConflict(
  name: string,
  values: readonly (string | undefined)[],
): { readonly value: string | undefined } | string {
  const [first, second] = [...new Set(values.filter((value) => value !== undefined))];
  return second === undefined
    ? { value: first }
    : `${name} conflicts: ${JSON.stringify(first)} vs ${JSON.stringify(second)}`;
}

/** `..` stops at the root of the repository. */
function cleanSubdir(text: string | undefined): string | undefined {
  return text === undefined ? undefined : posix.resolve('/', text).slice(1);
}

function booleanOf(values: ReadonlyMap<string, string>, key: string): boolean | string | undefined {
  const value = values.get(key);
  if (value === undefined) return undefined;
  if (/^(?:|1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  return `query ${JSON.stringify(key)} is no boolean: ${JSON.stringify(value)}`;
}

function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}
