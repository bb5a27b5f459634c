import { TbuildError, isTbuildError } from '../../errors.ts';
import { formatReference, parseReference } from '../../oci/reference.ts';
import { parseNamedContext } from './context-spec.ts';
import type { NamedContext } from './context-spec.ts';

/** What `--build-context` gives, by names that are written as those of images: `alpine` is `docker.io/library/alpine:latest`, too (as docker build). */
export interface NamedContexts {
  /** By what stands in FROM or `from=`. Undefined: it names no context. */
  find(name: string): NamedContext | undefined;
}

/** Throws TBUILD_USAGE for a name that is none, and as {@link parseNamedContext}. */
export function namedContexts(given: Readonly<Record<string, string>>): NamedContexts {
  const byName = new Map(
    Object.entries(given).map(([name, source]) => [checkName(name), parseNamedContext(name, source)]),
  );
  return {
    find(name) {
      // Nothing replaces the empty file system.
      if (byName.size === 0 || name === 'scratch') return undefined;
      const full = fullName(name);
      return typeof full === 'string' ? byName.get(full) : undefined;
    },
  };
}

function checkName(name: string): string {
  const full = fullName(name);
  if (typeof full === 'string') return full;
  throw new TbuildError('TBUILD_USAGE', `--build-context: invalid context name: ${full.message}`, {
    cause: full,
    hint: 'It is the name of a stage, or that of an image.',
  });
}

function fullName(name: string): string | TbuildError {
  try {
    return formatReference(parseReference(name));
  } catch (error) {
    if (isTbuildError(error)) return error;
    throw error;
  }
}
