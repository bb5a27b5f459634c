import type { Dockerfile } from '../dockerfile/instruction.ts';
import { TbuildError } from '../errors.ts';
import type { Helper } from '../native/helper-types.ts';
import type { Store } from '../store/types.ts';
import type { Cleanup } from '../util/cleanup.ts';
import type { ContextPlace } from './context.ts';
import type { Emit } from './events.ts';
import { loadDockerfile } from './load-dockerfile.ts';
import type { ResolvedOptions } from './options.ts';

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

export interface InputAccess {
  readonly options: ResolvedOptions;
  readonly store: Store;
  readonly helper: Helper;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** Finds and parses the Dockerfile. What the context needs for as long as the build runs goes to `cleanup`. */
export async function openInput(access: InputAccess, cleanup: Cleanup): Promise<BuildInput> {
  const { options, store } = access;
  if (options.context === '-' || options.dockerfile === '-') {
    const { openStdinInput } = await import('./stdin-input.ts');
    return openStdinInput(access, cleanup);
  }
  const loaded = await loadDockerfile(store, options);
  return {
    ...loaded,
    text: undefined,
    context: { kind: 'directory', root: options.context, dockerfile: loaded.path },
  };
}

/** An error that points into a Dockerfile gets its text as `details.dockerfile`, where a message could not quote it otherwise. */
export function withDockerfileText(error: unknown, { path, text }: Pick<BuildInput, 'path' | 'text'>): unknown {
  if (text === undefined || !(error instanceof TbuildError) || error.span?.file !== path) return error;
  const { code, message, hint, span, cause, details } = error;
  return new TbuildError(code, message, { hint, span, cause, details: { ...details, dockerfile: text } });
}
