import { TbuildError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { sha256Hex } from '../native/sha256.ts';

/** `sha256:` and 64 lower-case hex digits: the name of some bytes as stored or sent. */
export type Digest = `sha256:${string}`;

/**
 * Checks a digest that came from outside, before it gets anywhere near a path or a URL (CVE-2024-3727).
 * @param what what the digest belongs to, for the message
 * @param code the error's code. @default TBUILD_MANIFEST
 */
export function parseDigest(text: unknown, what: string = 'digest', code: ErrorCode = 'TBUILD_MANIFEST'): Digest {
  if (isDigest(text)) return text;
  if (typeof text !== 'string') throw new TbuildError(code, `${what}: no digest`);
  if (/^sha(?:384|512):[0-9a-f]+$/.test(text)) {
    throw new TbuildError('TBUILD_UNSUPPORTED', `${what}: digest algorithm ${text.slice(0, 6)} is not supported`, {
      hint: 'tbuild reads images whose digests are sha256.',
    });
  }
  throw new TbuildError(code, `${what}: malformed digest ${JSON.stringify(text.slice(0, 100))}`, {
    hint: 'A digest is "sha256:" followed by 64 lower-case hexadecimal digits.',
  });
}

export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${sha256Hex(bytes)}`;
}

/** The 64 hex digits. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The inverse of {@link digestHex}, for hex that this program computed. */
export function digestFromHex(hex: string): Digest {
  return parseDigest(`sha256:${hex}`);
}
