import { TbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';

export function syntaxError(message: string, span: SourceSpan, hint?: string): TbuildError {
  return new TbuildError('TBUILD_DOCKERFILE_SYNTAX', message, { span, hint });
}

/** @param feature what is not there, as a noun: `RUN --mount` */
export function unsupported(feature: string, span: SourceSpan, hint?: string): TbuildError {
  return new TbuildError('TBUILD_UNSUPPORTED', `${feature} is not supported by this version of tbuild`, {
    span,
    hint,
    details: { feature },
  });
}
