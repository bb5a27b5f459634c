import type { Terminal } from '../command.ts';
import { formatSize } from './format.ts';

/** Shows on a terminal how many bytes of a stream have passed, and passes them on. Elsewhere it shows nothing, and ora is not even loaded. */
export async function* withByteCount(
  source: AsyncIterable<Uint8Array>,
  text: string,
  { stderr }: Pick<Terminal, 'stderr'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!stderr.isTTY) {
    yield* source;
    return;
  }
  const { default: ora } = await import('ora');
  const spinner = ora({ text, stream: stderr, discardStdin: false }).start();
  let bytes = 0;
  try {
    for await (const chunk of source) {
      bytes += chunk.length;
      spinner.text = `${text} ${formatSize(bytes)}`;
      yield chunk;
    }
  } finally {
    spinner.stop();
  }
}
