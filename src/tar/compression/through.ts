import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What comes out of a transform that a stream is fed into. Errors of both come out; breaking off destroys the transform and closes the stream. */
export async function* through(
  stream: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncGenerator<Buffer, void, undefined> {
  // Its error reaches the loop below through `transform`.
  const feeding = pipeline(stream, transform).catch(() => {});
  try {
    yield* transform as AsyncIterable<Buffer>;
  } finally {
    transform.destroy();
    await feeding;
  }
}
