/** What the headers of an ELF file say about running it. See elf(5). */
export interface ElfHeaders {
  /** `e_machine`: 62 is x86-64, 183 AArch64. */
  readonly machine: number;
  readonly bits: 32 | 64;
  readonly isLittleEndian: boolean;
  /** PT_INTERP: where the path of the dynamic loader stands; undefined in libraries and static programs. */
  readonly interpreter: ElfSegment | undefined;
  /** PT_NOTE */
  readonly notes: readonly ElfSegment[];
}

/** A piece of the file. Nothing says that the file is that long. */
export interface ElfSegment {
  readonly offset: number;
  readonly size: number;
  readonly alignment: number;
}

export type KernelVersion = readonly [major: number, minor: number, patch: number];

const segmentType = { interpreter: 3, note: 4 } as const;
/** NT_GNU_ABI_TAG of the owner `GNU`: four words, of which the first is 0 for Linux (Linux Standard Base, "ABI note tag"). */
const abiTag = { type: 1, owner: 'GNU\0', linux: 0 } as const;

/** From the first bytes of a file. Undefined: not ELF, or malformed. Segments whose header lies behind the end of `head` are left out. */
export function readElfHeaders(head: Buffer): ElfHeaders | undefined {
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const bits = ([undefined, 32, 64] as const)[head.readUInt8(4)];
  const order = head.readUInt8(5);
  if (bits === undefined || (order !== 1 && order !== 2)) return undefined;
  const isLittleEndian = order === 1;
  const segments = [...readSegments(viewOf(head), { bits, isLittleEndian })];
  return {
    machine: viewOf(head).getUint16(18, isLittleEndian),
    bits,
    isLittleEndian,
    interpreter: segments.find(({ type }) => type === segmentType.interpreter),
    notes: segments.filter(({ type }) => type === segmentType.note),
  };
}

/** The oldest Linux that the file says it runs on, from the bytes of one of its notes; undefined where that does not tell. */
export function readAbiTag(
  { isLittleEndian }: Pick<ElfHeaders, 'isLittleEndian'>,
  { alignment }: Pick<ElfSegment, 'alignment'>,
  bytes: Buffer,
): KernelVersion | undefined {
  const view = viewOf(bytes);
  const word = (at: number): number => view.getUint32(at, isLittleEndian);
  const padding = alignment === 8 ? 8 : 4;
  const padded = (length: number): number => Math.ceil(length / padding) * padding;
  for (let at = 0; at + 12 <= bytes.length;) {
    const [nameSize, size, type] = [word(at), word(at + 4), word(at + 8)];
    const name = bytes.toString('latin1', at + 12, at + 12 + nameSize);
    const description = at + padded(12 + nameSize);
    const isTag = type === abiTag.type && name === abiTag.owner && size >= 16 && description + 16 <= bytes.length;
    if (isTag && word(description) === abiTag.linux)
      return [word(description + 4), word(description + 8), word(description + 12)];
    at = description + padded(size);
  }
  return undefined;
}

function* readSegments(
  view: DataView,
  { bits, isLittleEndian }: Pick<ElfHeaders, 'bits' | 'isLittleEndian'>,
): Generator<ElfSegment & { readonly type: number }> {
  const isWide = bits === 64;
  const address = (at: number): number =>
    isWide ? Number(view.getBigUint64(at, isLittleEndian)) : view.getUint32(at, isLittleEndian);
  const start = address(isWide ? 32 : 28);
  const entrySize = view.getUint16(isWide ? 54 : 42, isLittleEndian);
  const count = view.getUint16(isWide ? 56 : 44, isLittleEndian);
  if (entrySize < (isWide ? 56 : 32)) return;
  for (let index = 0; index < count; index++) {
    const at = start + index * entrySize;
    if (at + entrySize > view.byteLength) return;
    yield {
      type: view.getUint32(at, isLittleEndian),
      offset: address(at + (isWide ? 8 : 4)),
      size: address(at + (isWide ? 32 : 16)),
      alignment: address(at + (isWide ? 48 : 28)),
    };
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
