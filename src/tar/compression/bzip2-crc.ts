/** The CRC-32 of bzip2: polynomial 0x04c11db7, highest bit first, so not zlib's. */
export const bzip2Crc = {
  start: 0xffff_ffff,
  update(crc: number, bytes: Uint8Array): number {
    let value = crc;
    for (let index = 0; index < bytes.length; index++) {
      value = (value << 8) ^ (table[(value >>> 24) ^ (bytes[index] ?? 0)] ?? 0);
    }
    return value;
  },
  finish: (crc: number): number => ~crc >>> 0,
};

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
  return value;
});
