import type { TransferView } from './ui/live/transfer-view.ts';

/** Passes a stream on, and shows how much of it there has been. */
export async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  view: TransferView,
  size?: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let current = 0;
  for await (const chunk of chunks) {
    current += chunk.length;
    view.note({ label: 'archive', current, total: size });
    yield chunk;
  }
}
