const multipliers: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/** Bytes of `512m`, `1.5 GiB`, `64KB`, `100`: docker's sizes of memory, where k is 1024. Undefined when it is none. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+\.?\d*|\.\d+) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text);
  const multiplier = multipliers[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || multiplier === undefined) return undefined;
  const bytes = Math.trunc(Number(match[1]) * multiplier);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
