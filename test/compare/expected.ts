import type { Case } from './cases.ts';
import type { Difference } from './differences.ts';

/** A difference that is meant to be there. docs/differences.md has a section of the same title for each. */
export interface Expectation {
  readonly title: string;
  readonly matches: (difference: Difference, of: Case) => boolean;
}

export const expectations: readonly Expectation[] = [
  {
    title: 'Times of directories',
    matches: ({ area, what, ours, docker, entries }) =>
      area === 'tree' &&
      what === 'mtime' &&
      entries?.ours?.type === 'directory' &&
      (ours === 'now' || docker === 'now' || ours < docker),
  },
  {
    title: 'Mount points',
    matches: ({ area, where, ours, docker }, { name }) =>
      ours === 'absent' &&
      docker === 'directory' &&
      ((area !== 'config' && mountPoints.has(where.replace(/^\d+:/, ''))) ||
        (area === 'layer' && name.startsWith('run-mount-'))),
  },
  {
    title: 'Device nodes made by RUN',
    matches: ({ area, ours, docker }) =>
      area !== 'config' && ours === 'absent' && ['character', 'block'].includes(docker),
  },
  {
    title: 'Extended attributes',
    matches: ({ area, what, docker }) => area === 'tree' && what.startsWith('xattr user.') && docker === 'absent',
  },
  {
    title: 'Hard links to files of an earlier layer',
    matches: ({ area, what }, { name }) => area === 'tree' && what === 'hard links' && name === 'run-hardlinks-below',
  },
  {
    title: 'Times of heredocs',
    matches: ({ area, what, ours, entries }, { name }) =>
      area === 'tree' &&
      what === 'mtime' &&
      ours === 'now' &&
      entries?.ours?.type === 'file' &&
      name.includes('heredoc'),
  },
  {
    title: 'Files as a base',
    matches: ({ area, where }, { name }) =>
      area === 'config' && where.startsWith('history[') && name === 'from-named-directory',
  },
  {
    title: 'Paths that depend on the moment',
    matches: ({ where, area }, { volatile }) =>
      area !== 'config' && volatile.some((pattern) => startsWith(where.replace(/^\d+:/, '').slice(1), pattern)),
  },
];

const mountPoints = new Set(['/dev', '/proc', '/sys', '/etc']);

function startsWith(path: string, pattern: string): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
  return new RegExp(`^${source}`).test(path);
}
