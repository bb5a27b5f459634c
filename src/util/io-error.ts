import { TbuildError } from '../errors.ts';

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space, for example with `tbuild prune`',
  EDQUOT: 'free some space, for example with `tbuild prune`',
  EACCES: 'check who owns it and its mode',
  EPERM: 'check who owns it and its mode',
  EROFS: 'choose a place on a file system that can be written',
  EMFILE: 'raise the limit of open files (`ulimit -n`)',
};

/**
 * A failure of `node:fs` or of the addon as `TBUILD_IO`, with `details: { errno, path }`. An error that is not the operating system's comes back as it is.
 * @param doing what failed, as in "write the cache record"
 */
export function ioError(cause: unknown, doing: string, path: string): Error {
  const errno = errnoOf(cause);
  if (errno === undefined || cause instanceof TbuildError) {
    return cause instanceof Error ? cause : new Error(String(cause));
  }
  return new TbuildError('TBUILD_IO', `cannot ${doing}: ${path}: ${errno}`, {
    cause,
    hint: hints[errno],
    details: { errno, path },
  });
}

/** `'ENOENT'` and the like; undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
