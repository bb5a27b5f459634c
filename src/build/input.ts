import { TbuildError } from '../errors.ts';
import type { Cleanup } from '../util/cleanup.ts';
import type { BuildAccess } from './access.ts';
import type { ContextPlace } from './contexts/opened-contexts.ts';
import { checkContext, isRemoteDockerfile, parseKept, readDockerfile } from './load-dockerfile.ts';
import type { DockerfileBytes, ParsedDockerfile } from './load-dockerfile.ts';

/** What a build starts from. */
export interface BuildInput extends BuildSource, ParsedDockerfile {}

/** The same before it is parsed. */
export interface BuildSource extends DockerfileBytes {
  /** The Dockerfile itself, where nobody can read `path` again. */
  readonly text: string | undefined;
  readonly context: ContextPlace;
}

/** Finds and parses the Dockerfile. What the context needs for as long as the build runs goes to `cleanup`. */
export async function openInput(access: BuildAccess, cleanup: Cleanup): Promise<BuildInput> {
  const source = await openSource(access, cleanup);
  try {
    return { ...source, ...(await parseKept(access.store, source, access.options.buildArgs)) };
  } catch (error) {
    throw withDockerfileText(error, source);
  }
}

/** {@link openInput} without the parsing. */
export async function openSource(access: BuildAccess, cleanup: Cleanup): Promise<BuildSource> {
  const { context, dockerfile } = access.options;
  if (context.kind !== 'directory' || dockerfile === '-' || isRemoteDockerfile(dockerfile)) {
    const { openTreeSource } = await import('./contexts/tree-input.ts');
    return openTreeSource(access, cleanup);
  }
  checkContext(context.path);
  const { path, bytes } = readDockerfile({ context: context.path, dockerfile });
  return { path, bytes, text: undefined, context: { kind: 'directory', root: context.path, dockerfile: path } };
}

/** An error that points into a Dockerfile gets its text as `details.dockerfile`, where a message could not quote it otherwise. */
export function withDockerfileText(error: unknown, { path, text }: Pick<BuildSource, 'path' | 'text'>): unknown {
  if (text === undefined || !(error instanceof TbuildError) || error.span?.file !== path) return error;
  const { code, message, hint, span, cause, details } = error;
  return new TbuildError(code, message, { hint, span, cause, details: { ...details, dockerfile: text } });
}
