import { crc32 } from 'node:zlib';

/** Small files that ask a decoder for memory. */
export const greedy: Readonly<Record<string, Buffer>> = {
  'a zstd window of 3.75 TiB': zstdFrame(0x00, Buffer.of(0xff)),
  'a zstd window of 256 MiB': zstdFrame(0x00, Buffer.of((28 - 10) << 3)),
  'a zstd window of the size of a content of 2⁶³ bytes': zstdFrame(0xe0, Buffer.from('ffffffffffffff7f', 'hex')),
  'an xz dictionary of 2 GiB': xzBlock(38),
  'an xz dictionary of 96 MiB': xzBlock(31),
};

/** Small files in which a careless decoder loops. */
export const endless: Readonly<Record<string, Buffer>> = {
  'a bzip2 run of 2³² − 1 bytes': bzip2Block({ selectors: 1, run: 32 }),
  'a bzip2 run of 2⁴⁰ − 1 bytes': bzip2Block({ selectors: 1, run: 40 }),
  'a bzip2 code length that goes up and down': bzip2Block({ selectors: 1, wobbles: 20 * 2 ** 20 }),
  'a bzip2 block without an end': bzip2Block({ selectors: 1, run: 0 }),
  'a zstd frame of 100,000 blocks of nothing, cut off': zstdFrame(0x00, Buffer.of(0), Buffer.alloc(300_000)),
};

function zstdFrame(descriptor: number, header: Buffer, blocks: Buffer = Buffer.of(0x01, 0, 0)): Buffer {
  return Buffer.concat([Buffer.of(0x28, 0xb5, 0x2f, 0xfd, descriptor), header, blocks]);
}

/** The beginning of a stream with one LZMA2 block; the dictionary's size is coded as in the xz file format 1.2.1, section 5.3.1. */
function xzBlock(dictionary: number): Buffer {
  const flags = Buffer.of(0, 1);
  const block = Buffer.of(2, 0, 0x21, 1, dictionary, 0, 0, 0);
  const data = Buffer.of(0x01, 0x00, 0x03, 0x61, 0x61, 0x61, 0x61, 0x00);
  return Buffer.concat([Buffer.from('fd377a585a00', 'hex'), flags, sum(flags), block, sum(block), data]);
}

function sum(bytes: Buffer): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(crc32(bytes));
  return number;
}

/** A block of which the only byte value is `a`, under codes of one and two bits: 0 is RUNA, 10 is RUNB, 11 the end. `wobbles`: how often a code length goes up and down again. */
function bzip2Block(block: { readonly selectors: number; readonly run?: number; readonly wobbles?: number }): Buffer {
  const { selectors, run = 0, wobbles = 0 } = block;
  const bytes = Buffer.alloc(200 + Math.ceil(wobbles / 2));
  let at = 0;
  const put = (value: number, width: number): void => {
    for (let bit = width - 1; bit >= 0; bit--, at++) {
      if (((value >>> bit) & 1) === 1) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (0x80 >> (at & 7));
    }
  };
  for (const byte of [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0, 0, 0, 0]) put(byte, 8);
  put(0, 1);
  put(0, 24);
  put(0x0200, 16);
  put(0x4000, 16);
  put(2, 3);
  put(selectors, 15);
  put(0, selectors);
  for (let code = 0; code < 2; code++) {
    put(1, 5);
    for (let wobble = 0; code === 0 && wobble < wobbles; wobble++) put(0b1011, 4);
    put(0b0, 1);
    put(0b100, 3);
    put(0b0, 1);
  }
  at += run;
  if (run > 0) put(0b11, 2);
  return bytes.subarray(0, Math.ceil(at / 8) + 100);
}
