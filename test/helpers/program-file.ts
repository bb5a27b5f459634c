/** An ELF file of headers, a loader's path and notes, which no machine can run. */
export interface ProgramRecipe {
  /** `e_machine`; 62 is x86-64, 183 AArch64. */
  readonly machine: number;
  readonly bits?: 32 | 64;
  readonly isLittleEndian?: boolean;
  readonly loader?: string;
  /** For a note NT_GNU_ABI_TAG behind one with a build id. */
  readonly oldestKernel?: readonly [number, number, number];
  /** The first word of that note: 0 is Linux, 3 FreeBSD. */
  readonly system?: number;
  /** Bytes between the headers and what they point at, as some linkers leave. */
  readonly gap?: number;
}

export function makeProgram(recipe: ProgramRecipe): Buffer {
  const { bits = 64, loader, oldestKernel, system = 0, gap = 0 } = recipe;
  const { half, word, address } = writer(recipe.isLittleEndian ?? true, bits);
  const note = (type: number, ...words: readonly number[]): Buffer =>
    Buffer.concat([word(4), word(words.length * 4), word(type), Buffer.from('GNU\0'), ...words.map(word)]);
  const pieces = [
    ...(loader === undefined ? [] : [{ type: 3, alignment: 1, bytes: Buffer.from(`${loader}\0`) }]),
    { type: 4, alignment: 4, bytes: note(3, 0x1234, 0x5678) },
    ...(oldestKernel === undefined ? [] : [{ type: 4, alignment: 4, bytes: note(1, system, ...oldestKernel) }]),
  ];
  const [headerSize, entrySize] = bits === 64 ? [64, 56] : [52, 32];
  let offset = headerSize + pieces.length * entrySize + gap;
  const entries = pieces.map(({ type, alignment, bytes }) => {
    const start = offset;
    offset += bytes.length;
    const places = [address(start), address(start), address(start), address(bytes.length), address(bytes.length)];
    return bits === 64
      ? Buffer.concat([word(type), word(4), ...places, address(alignment)])
      : Buffer.concat([word(type), ...places, word(4), word(alignment)]);
  });
  const ident = Buffer.from([
    0x7f,
    0x45,
    0x4c,
    0x46,
    bits / 32,
    (recipe.isLittleEndian ?? true) ? 1 : 2,
    1,
    ...Array(9).fill(0),
  ]);
  const header = Buffer.concat([
    ident,
    half(3),
    half(recipe.machine),
    word(1),
    address(0),
    address(headerSize),
    address(0),
    word(0),
    ...[headerSize, entrySize, pieces.length, 0, 0, 0].map(half),
  ]);
  return Buffer.concat([header, ...entries, Buffer.alloc(gap), ...pieces.map(({ bytes }) => bytes), Buffer.alloc(64)]);
}

type Write = (value: number) => Buffer;

function writer(isLittleEndian: boolean, bits: 32 | 64): { half: Write; word: Write; address: Write } {
  const write =
    (size: 2 | 4 | 8): Write =>
    (value) => {
      const bytes = Buffer.alloc(size);
      const view = new DataView(bytes.buffer, bytes.byteOffset, size);
      if (size === 2) view.setUint16(0, value, isLittleEndian);
      else if (size === 4) view.setUint32(0, value, isLittleEndian);
      else view.setBigUint64(0, BigInt(value), isLittleEndian);
      return bytes;
    };
  return { half: write(2), word: write(4), address: write(bits === 64 ? 8 : 4) };
}
