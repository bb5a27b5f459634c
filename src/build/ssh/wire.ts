/** The pieces that SSH messages and keys are made of (RFC 4251, section 5). */
export interface WireReader {
  /** Throws RangeError behind the end, as all of these. */
  uint32(): number;
  string(): Buffer;
  text(): string;
  readonly rest: number;
}

export function readWire(bytes: Buffer): WireReader {
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw new RangeError('an SSH message is cut short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const uint32 = (): number => take(4).readUInt32BE();
  const string = (): Buffer => take(uint32());
  return {
    uint32,
    string,
    text: () => string().toString('latin1'),
    get rest() {
      return bytes.length - at;
    },
  };
}

export function wireUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function wireString(value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  return Buffer.concat([wireUint32(bytes.length), bytes]);
}

/** A positive number, big-endian: without leading zeros, but one where the first bit would say that it is negative. */
export function wireNumber(value: Uint8Array): Buffer {
  let start = 0;
  while (start < value.length && value[start] === 0) start++;
  const digits = value.subarray(start);
  return wireString(((digits[0] ?? 0) & 0x80) === 0 ? digits : Buffer.concat([Buffer.alloc(1), digits]));
}
