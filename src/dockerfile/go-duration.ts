/** Nanoseconds of a duration as Go writes it (`1h30m`, `1.5s`, `100ms`, `0`); `undefined` where Go's `time.ParseDuration` fails. */
export function parseGoDuration(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0;
  if (rest === '') return undefined;
  let total = 0n;
  let at = 0;
  while (at < rest.length) {
    part.lastIndex = at;
    const match = part.exec(rest);
    const [whole = '', , unit = ''] = match?.slice(1) ?? [];
    const fraction = match?.[2] ?? '';
    const scale = units.get(unit);
    if (match === null || scale === undefined || whole + fraction === '' || whole.length > 19) return undefined;
    total += BigInt(whole || '0') * scale + fractionOf(fraction, scale);
    if (total > maxDuration) return undefined;
    at = part.lastIndex;
  }
  return Number(sign === '-' ? -total : total);
}

const part = /([0-9]*)(?:\.([0-9]*))?([a-zµμ]+)/y;
const maxDuration = 2n ** 63n - 1n;
const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

/** Digits after the fifteenth are below a nanosecond in every unit. */
function fractionOf(digits: string, scale: bigint): bigint {
  const kept = digits.slice(0, 15);
  return kept === '' ? 0n : (BigInt(kept) * scale) / 10n ** BigInt(kept.length);
}
