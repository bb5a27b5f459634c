import { TbuildError } from '../errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** JSON of an OCI document: strict UTF-8, an object at the top. Throws TBUILD_MANIFEST. */
export function parseJsonObject(bytes: Uint8Array, what: string): JsonObject {
  return objectOf(parseJson(bytes, what), what);
}

/** The same, whatever is at the top. */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new TbuildError('TBUILD_MANIFEST', `${what}: not valid JSON`, { cause });
  }
}

export function objectOf(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what, 'an object', value);
  return value as JsonObject;
}

export function arrayOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(what, 'a list', value);
  return value;
}

/** NUL is refused: these strings become arguments, environment and file names. */
export function stringOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || value.includes('\0')) throw malformed(what, 'a string without NUL', value);
  return value;
}

export function booleanOf(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw malformed(what, 'true or false', value);
  return value;
}

export function integerOf(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value)) throw malformed(what, 'an integer', value);
  return value as number;
}

export function stringsOf(value: unknown, what: string): readonly string[] {
  return arrayOf(value, what).map((item, index) => stringOf(item, `${what}[${index}]`));
}

/** Own keys only, in their order; `__proto__` is a key like any other. */
export function stringMapOf(value: unknown, what: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(objectOf(value, what)).map(([key, item]) => [
      stringOf(key, what),
      stringOf(item, `${what}.${key.slice(0, 100)}`),
    ]),
  );
}

export function malformed(what: string, expected: string, value: unknown): TbuildError {
  const found = value === undefined ? 'nothing' : JSON.stringify(value);
  return new TbuildError('TBUILD_MANIFEST', `${what}: expected ${expected}, found ${found.slice(0, 100)}`);
}
