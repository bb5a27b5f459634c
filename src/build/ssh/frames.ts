/** What OpenSSH's own agent takes. */
const maxMessage = 256 * 1024;

/** Cuts a stream of an agent's socket into messages, without their length. Throws RangeError for one that is too long. */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 4) {
      const length = pending.readUInt32BE();
      if (length === 0 || length > maxMessage) throw new RangeError('a message of the SSH agent is malformed');
      if (pending.length < 4 + length) break;
      yield pending.subarray(4, 4 + length);
      pending = pending.subarray(4 + length);
    }
  }
}
