import { TbuildError } from '../errors.ts';
import type { ErrorOptions } from '../errors.ts';

/** An archive that is malformed, hostile, or uses what is not supported. */
export function archiveError(message: string, options?: ErrorOptions): TbuildError {
  return new TbuildError('TBUILD_ARCHIVE', message, options);
}
