import { TbuildError } from '../errors.ts';

/**
 * What went wrong first. When closing fails too, `await using` throws a SuppressedError that has no message and hides the error that matters; what failed while closing is then told in
 * `details.cleanup` (sentences). Any other error comes back as it is.
 */
export function firstFailure(thrown: unknown): unknown {
  if (!isSuppressedError(thrown)) return thrown;
  const first = firstFailure(thrown.suppressed);
  if (!(first instanceof TbuildError)) return first;
  const { code, message, hint, span, cause, details } = first;
  const earlier: unknown = details['cleanup'];
  const cleanup = [...(Array.isArray(earlier) ? (earlier as string[]) : []), messageOf(firstFailure(thrown.error))];
  return new TbuildError(code, message, { hint, span, cause, details: { ...details, cleanup } });
}

interface Suppressed extends Error {
  readonly error: unknown;
  readonly suppressed: unknown;
}

// By name: Node 20 has no SuppressedError, and the compilers bring theirs.
function isSuppressedError(thrown: unknown): thrown is Suppressed {
  return thrown instanceof Error && thrown.name === 'SuppressedError' && 'suppressed' in thrown && 'error' in thrown;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
