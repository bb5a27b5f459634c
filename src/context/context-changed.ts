import { TbuildError } from '../errors.ts';

/** A path of the context is gone, or something else than it was when the context was listed. */
export function contextChanged(
  path: string,
  { cause, details = {} }: { readonly cause?: unknown; readonly details?: Readonly<Record<string, unknown>> },
): TbuildError {
  return new TbuildError('TBUILD_CONTEXT', `${path} in the build context changed while it was read`, {
    cause,
    hint: 'run the build again when nothing is writing to the context',
    details: { path, ...details },
  });
}
