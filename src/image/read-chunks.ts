import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ioError } from '../util/io-error.ts';

const chunkSize = 1024 * 1024;

/** A file's bytes. The descriptor is closed when the iteration has ended, however it ends. Throws TBUILD_IO, or the signal's reason. */
export async function* readChunks(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  signal?.throwIfAborted();
  // A fifo in a layout from elsewhere must not hang this.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw ioError(error, 'read', path);
  });
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkSize), 0, chunkSize);
      signal?.throwIfAborted();
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw ioError(error, 'read', path);
  } finally {
    await file.close();
  }
}
