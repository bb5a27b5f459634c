/** What a made-up ELF file says of itself; it cannot run. */
export interface ElfRecipe {
  readonly machine?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly rpath?: string;
  readonly runpath?: string;
}

const base = 0x40_0000;

/** A 64-bit little-endian ELF file of nothing but headers. */
export function makeElf({ machine = 62, interpreter, needed = [], rpath, runpath }: ElfRecipe): Buffer {
  const strings: string[] = [''];
  const intern = (text: string): bigint => {
    const offset = Buffer.byteLength(strings.join('\0')) + 1;
    strings.push(text);
    return BigInt(offset);
  };
  const tags: (readonly [bigint, bigint])[] = needed.map((name) => [1n, intern(name)] as const);
  if (rpath !== undefined) tags.push([15n, intern(rpath)]);
  if (runpath !== undefined) tags.push([29n, intern(runpath)]);

  const headerCount = interpreter === undefined ? 2 : 3;
  const dynamicOffset = 64 + headerCount * 56;
  const dynamicSize = (tags.length + 2) * 16;
  const stringsOffset = dynamicOffset + dynamicSize;
  const table = Buffer.from(`${strings.join('\0')}\0`);
  const interpreterOffset = stringsOffset + table.length;
  const end = Buffer.from(interpreter === undefined ? '' : `${interpreter}\0`);
  const total = interpreterOffset + end.length;

  tags.push([5n, BigInt(base + stringsOffset)], [0n, 0n]);
  const dynamic = Buffer.concat(tags.map(([tag, value]) => words(tag, value)));
  const programHeaders = [segment(1, 0, total), segment(2, dynamicOffset, dynamicSize)];
  if (interpreter !== undefined) programHeaders.unshift(segment(3, interpreterOffset, end.length));
  return Buffer.concat([elfHeader(machine, headerCount), ...programHeaders, dynamic, table, end]);
}

function elfHeader(machine: number, headerCount: number): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(headerCount, 56);
  return header;
}

function segment(type: number, offset: number, size: number): Buffer {
  const header = Buffer.alloc(56);
  header.writeUInt32LE(type, 0);
  header.writeBigUInt64LE(BigInt(offset), 8);
  header.writeBigUInt64LE(BigInt(base + offset), 16);
  header.writeBigUInt64LE(BigInt(size), 32);
  return header;
}

function words(...values: readonly bigint[]): Buffer {
  const buffer = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) buffer.writeBigUInt64LE(value, index * 8);
  return buffer;
}
