const keptBytes = 4096;
const keptLines = 20;

/** The last lines of a command's output, for the error message. */
export function createTail(): { readonly add: (chunk: Uint8Array) => void; readonly text: () => string } {
  let kept = Buffer.alloc(0);
  return {
    add(chunk) {
      kept = Buffer.concat([kept, chunk.subarray(-keptBytes)]).subarray(-keptBytes);
    },
    text: () =>
      kept
        .toString('utf8')
        .split('\n')
        .slice(-keptLines - 1)
        .join('\n'),
  };
}
