/** What the headers of a 64-bit little-endian ELF file say about running it. */
export interface ElfHeaders {
  /** `e_machine`: 62 is x86-64, 183 is AArch64. Two files fit together only when it is equal. */
  readonly machine: number;
  /** PT_INTERP: the dynamic loader; undefined in libraries and static programs. */
  readonly interpreter: string | undefined;
  /** DT_NEEDED, in order. */
  readonly needed: readonly string[];
  /** DT_RPATH and DT_RUNPATH as written, with `$ORIGIN` and the like. */
  readonly rpath: readonly string[];
  readonly runpath: readonly string[];
}

const segment = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tag = { end: 0, needed: 1, stringTable: 5, rpath: 15, runpath: 29 } as const;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Undefined: not an ELF file of the kind that tbuild runs on (a script, a 32-bit program), or cut short. See elf(5). */
export function parseElf(file: Buffer): ElfHeaders | undefined {
  const isElf64LittleEndian =
    file.length >= 64 && file.readUInt32BE(0) === 0x7f454c46 && file.readUInt16BE(4) === 0x0201;
  if (!isElf64LittleEndian) return undefined;
  try {
    const segments = readSegments(file);
    const interpreter = segments.find(({ type }) => type === segment.interpreter);
    return {
      machine: file.readUInt16LE(18),
      interpreter: interpreter === undefined ? undefined : readString(file, interpreter.offset),
      ...readDynamic(file, segments),
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readSegments(file: Buffer): Segment[] {
  const start = toOffset(file.readBigUInt64LE(32));
  const size = file.readUInt16LE(54);
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = start + index * size;
    return {
      type: file.readUInt32LE(at),
      offset: toOffset(file.readBigUInt64LE(at + 8)),
      address: toOffset(file.readBigUInt64LE(at + 16)),
      size: toOffset(file.readBigUInt64LE(at + 32)),
    };
  });
}

function readDynamic(file: Buffer, segments: readonly Segment[]): Pick<ElfHeaders, 'needed' | 'rpath' | 'runpath'> {
  const dynamic = segments.find(({ type }) => type === segment.dynamic);
  const entries = dynamic === undefined ? [] : readEntries(file, dynamic);
  const tableAddress = entries.find((entry) => entry.tag === tag.stringTable)?.value ?? 0;
  const table = fileOffset(segments, tableAddress);
  const strings = (wanted: number): string[] =>
    entries.filter((entry) => entry.tag === wanted).map(({ value }) => readString(file, table + value));
  const paths = (wanted: number): string[] =>
    strings(wanted).flatMap((text) => text.split(':').filter((path) => path !== ''));
  return { needed: strings(tag.needed), rpath: paths(tag.rpath), runpath: paths(tag.runpath) };
}

function readEntries(file: Buffer, { offset, size }: Segment): { readonly tag: number; readonly value: number }[] {
  const entries = [];
  for (let at = offset; at < offset + size; at += 16) {
    const entry = { tag: Number(file.readBigInt64LE(at)), value: toOffset(file.readBigUInt64LE(at + 8)) };
    if (entry.tag === tag.end) break;
    if (entry.tag === tag.stringTable || ([tag.needed, tag.rpath, tag.runpath] as number[]).includes(entry.tag)) {
      entries.push(entry);
    }
  }
  return entries;
}

/** Where the bytes of a loaded address are in the file. */
function fileOffset(segments: readonly Segment[], address: number): number {
  const home = segments.find(
    ({ type, address: start, size }) => type === segment.load && address >= start && address < start + size,
  );
  return home === undefined ? 0 : address - home.address + home.offset;
}

function readString(file: Buffer, offset: number): string {
  const end = file.indexOf(0, offset);
  if (offset < 0 || end < 0) throw new RangeError('a string of the ELF file has no end');
  return file.toString('utf8', offset, end);
}

/** Values that cannot be an offset into a file of ours (DT entries hold addresses of any size) become one that is out of range. */
function toOffset(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
