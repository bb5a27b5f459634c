import { isTbuildError, TbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';

/** What stands in `FROM --platform`, expanded. Throws TBUILD_DOCKERFILE_SYNTAX. */
export function stagePlatform(text: string, span: SourceSpan): Platform {
  try {
    return parsePlatform(text);
  } catch (cause) {
    if (!isTbuildError(cause)) throw cause;
    const { hint } = cause;
    throw new TbuildError('TBUILD_DOCKERFILE_SYNTAX', `failed to parse platform ${text}`, { span, hint, cause });
  }
}
