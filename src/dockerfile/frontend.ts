import type { SourceSpan } from '../errors.ts';
import { TbuildError } from '../errors.ts';

/** The build argument that says what reads the Dockerfile, whatever its `syntax` line says. */
export const frontendArgument = 'BUILDKIT_SYNTAX';

/**
 * A frontend is an image that reads the Dockerfile; what follows a blank are arguments for it. Docker's own, of version 1, reads what tbuild reads. Throws TBUILD_UNSUPPORTED for any other.
 * @param span of the `syntax` line; undefined for {@link frontendArgument}
 */
export function checkFrontend(syntax: string, span: SourceSpan | undefined): void {
  const [frontend = ''] = syntax.split(' ');
  if (dockerFrontend.test(frontend)) return;
  const feature = `the external frontend ${frontend}`;
  throw new TbuildError('TBUILD_UNSUPPORTED', `${feature} is not supported by tbuild`, {
    span,
    details: { feature },
    hint: `tbuild reads the language of docker/dockerfile:1 itself. If the file needs no more, ${
      span === undefined ? 'leave it out' : `add --build-arg ${frontendArgument}=docker/dockerfile:1`
    }.`,
  });
}

const dockerFrontend =
  /^(?:docker\.io\/)?docker\/dockerfile(?::(?:latest|labs|1(?:\.\d+){0,2}(?:-labs)?))?(?:@sha256:[0-9a-f]{64})?$/;
