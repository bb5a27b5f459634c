import type { Case } from './cases.ts';
import type { Difference } from './differences.ts';

/** A difference that is meant to be there. docs/differences.md has a section of the same title for each. */
export interface Expectation {
  readonly title: string;
  readonly matches: (difference: Difference, of: Case) => boolean;
}

export const expectations: readonly Expectation[] = [
  {
    title: 'Times of directories that are passed through',
    matches: ({ area, what, docker, entries }) =>
      area === 'tree' && what === 'mtime' && entries?.ours?.type === 'directory' && docker === 'now',
  },
  {
    title: 'Paths that depend on the moment',
    matches: ({ where, area }, { volatile }) =>
      area !== 'config' && volatile.some((pattern) => startsWith(where.replace(/^\d+:/, '').slice(1), pattern)),
  },
];

function startsWith(path: string, pattern: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
  return new RegExp(`^${source}`).test(path);
}
