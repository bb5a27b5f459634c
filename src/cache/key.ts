import { sha256Hex } from '../native/sha256.ts';

/** Plain data that has one canonical text: object keys in order, `undefined` left out. */
export type Canonical =
  string | number | boolean | null | undefined | readonly Canonical[] | { readonly [key: string]: Canonical };

/** Part of every key: raised when the meaning of a record changes, so that older records are never taken for newer ones. */
const keyVersion = 1;

/** The static key of a step: sha256, 64 hex digits, of the canonical text of everything about it except the file system below. */
export function staticKey(record: { readonly [key: string]: Canonical }): string {
  return sha256Hex(`tbuild step ${keyVersion}\n`, canonicalText(record));
}

export function canonicalText(value: Canonical): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value ?? null);
  if (isList(value)) return `[${value.map(canonicalText).join(',')}]`;
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalText(value[key])}`);
  return `{${members.join(',')}}`;
}

function isList(value: object): value is readonly Canonical[] {
  return Array.isArray(value);
}
