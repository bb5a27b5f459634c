import { archiveError } from '../archive-error.ts';
import type { BitReader } from './bzip2-bits.ts';

/** Takes one symbol of a prefix code. */
export type Code = (reader: BitReader) => number;

const longest = 20;
/** Codes up to this length are found in one look: most are shorter. */
const direct = 10;

/** Reads `count` canonical prefix codes over `alphabet` symbols: a start length each, then steps up or down for each symbol. Throws TBUILD_ARCHIVE. */
export function readCodes(
  reader: BitReader,
  { count, alphabet }: { readonly count: number; readonly alphabet: number },
): Code[] {
  return Array.from({ length: count }, () => {
    const lengths = new Uint8Array(alphabet);
    let length = reader.read(5);
    for (let symbol = 0; symbol < alphabet; symbol++) {
      for (;;) {
        if (length < 1 || length > longest) throw damaged();
        if (reader.read(1) === 0) break;
        length += reader.read(1) === 0 ? 1 : -1;
      }
      lengths[symbol] = length;
    }
    return codeOf(lengths);
  });
}

/** Codes of a length are consecutive numbers, given to symbols in their order; shorter ones come first. */
function codeOf(lengths: Uint8Array): Code {
  const counts = new Uint32Array(longest + 2);
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
  const symbols = new Uint16Array(lengths.length);
  /** The first code of a length, where its symbol stands in `symbols`, and the first number behind its codes, as wide as the longest code. */
  const first = new Uint32Array(longest + 2);
  const offset = new Uint32Array(longest + 2);
  const limit = new Uint32Array(longest + 2);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= longest; length++) {
    first[length] = code;
    offset[length] = place;
    code += counts[length] ?? 0;
    place += counts[length] ?? 0;
    limit[length] = code * 2 ** (longest - length);
    code *= 2;
  }
  const at = Uint32Array.from(offset);
  for (const [symbol, length] of lengths.entries()) {
    symbols[at[length] ?? 0] = symbol;
    at[length] = (at[length] ?? 0) + 1;
  }
  const table = directTable({ lengths, symbols, first, offset });
  return (reader) => {
    const known = table[reader.peek(direct)] ?? 0;
    if (known !== 0) {
      reader.skip(known & 0xff);
      return known >>> 8;
    }
    const bits = reader.peek(longest);
    for (let length = 1; length <= longest; length++) {
      if (bits >= (limit[length] ?? 0)) continue;
      reader.skip(length);
      return symbols[(offset[length] ?? 0) + (bits >>> (longest - length)) - (first[length] ?? 0)] ?? 0;
    }
    throw damaged();
  };
}

/** For the next `direct` bits: the symbol, and in the low 8 bits the length of its code; 0: longer, or no code. */
function directTable({
  lengths,
  symbols,
  first,
  offset,
}: {
  readonly lengths: Uint8Array;
  readonly symbols: Uint16Array;
  readonly first: Uint32Array;
  readonly offset: Uint32Array;
}): Uint32Array {
  const table = new Uint32Array(2 ** direct);
  for (const [place, symbol] of symbols.entries()) {
    const length = lengths[symbol] ?? 0;
    if (length > direct) break;
    const code = (first[length] ?? 0) + place - (offset[length] ?? 0);
    const start = code * 2 ** (direct - length);
    // Over-full codes, which only hostile data has, run out of the table.
    table.fill((symbol << 8) | length, start, start + 2 ** (direct - length));
  }
  return table;
}

function damaged(): Error {
  return archiveError('the bzip2 data is damaged', { hint: 'Get the archive again.' });
}
