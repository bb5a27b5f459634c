import type { Dockerfile } from '../dockerfile/instruction.ts';
import { TbuildError } from '../errors.ts';
import type { Cleanup } from '../util/cleanup.ts';
import type { BuildAccess } from './access.ts';
import type { ContextPlace } from './contexts/opened-contexts.ts';
import { isRemoteDockerfile, loadDockerfile } from './load-dockerfile.ts';

/** What a build starts from. */
export interface BuildInput {
  readonly dockerfile: Dockerfile;
  /** Names the Dockerfile in messages and reports. */
  readonly path: string;
  readonly bytes: Buffer;
  /** The Dockerfile itself, where nobody can read `path` again. */
  readonly text: string | undefined;
  readonly context: ContextPlace;
}

/** Finds and parses the Dockerfile. What the context needs for as long as the build runs goes to `cleanup`. */
export async function openInput(access: BuildAccess, cleanup: Cleanup): Promise<BuildInput> {
  const { options, store } = access;
  const { context, dockerfile: given } = options;
  if (context.kind !== 'directory' || given === '-' || isRemoteDockerfile(given)) {
    const { openTreeInput } = await import('./contexts/tree-input.ts');
    return openTreeInput(access, cleanup);
  }
  const loaded = await loadDockerfile(store, { ...options, context: context.path });
  return {
    ...loaded,
    text: undefined,
    context: { kind: 'directory', root: context.path, dockerfile: loaded.path },
  };
}

/** An error that points into a Dockerfile gets its text as `details.dockerfile`, where a message could not quote it otherwise. */
export function withDockerfileText(error: unknown, { path, text }: Pick<BuildInput, 'path' | 'text'>): unknown {
  if (text === undefined || !(error instanceof TbuildError) || error.span?.file !== path) return error;
  const { code, message, hint, span, cause, details } = error;
  return new TbuildError(code, message, { hint, span, cause, details: { ...details, dockerfile: text } });
}
