import { isUtf8 } from 'node:buffer';

/**
 * File names are bytes. As a string they are UTF-8; each byte that is not part of valid UTF-8 becomes a lone surrogate U+DC80…U+DCFF (Python's `surrogateescape`, PEP 383), so that
 * {@link encodePathBytes} gives the same bytes back and two names never become one string.
 */
export function decodePathBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let index = 0; index < bytes.length;) {
    const first = bytes[index] ?? 0;
    const length = sequenceLength(first);
    const sequence = bytes.subarray(index, index + length);
    const isValid = sequence.length === length && isUtf8(sequence);
    text += isValid ? sequence.toString('utf8') : String.fromCharCode(0xdc00 + first);
    index += isValid ? length : 1;
  }
  return text;
}

/** The inverse of {@link decodePathBytes}. */
export function encodePathBytes(path: string): Buffer {
  if (!mayNameBytes(path)) return Buffer.from(path, 'utf8');
  const parts: Buffer[] = [];
  for (const character of path) {
    const code = character.codePointAt(0) ?? 0;
    const isEscape = code >= 0xdc80 && code <= 0xdcff;
    parts.push(isEscape ? Buffer.of(code - 0xdc00) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** False for most: UTF-8 is then all there is to its bytes. */
export function mayNameBytes(path: string): boolean {
  return surrogate.test(path);
}

// Without the flag u, which would tell lone ones from pairs, but slowly.
const surrogate = /[\ud800-\udfff]/;

function sequenceLength(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
