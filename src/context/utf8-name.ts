import { TbuildError } from '../errors.ts';

/** Throws `TBUILD_CONTEXT` for a decoded name that is not UTF-8, as BuildKit refuses it. */
export function requireUtf8(name: string): string {
  // A lone surrogate stands for a byte (see decodePathBytes).
  if (!/[\ud800-\udfff]/u.test(name)) return name;
  throw new TbuildError('TBUILD_CONTEXT', `a name in the build context is not UTF-8: ${JSON.stringify(name)}`, {
    hint: 'rename it, or exclude it with .dockerignore',
    details: { path: name },
  });
}
