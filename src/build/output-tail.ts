const keptBytes = 4096;
const keptLines = 20;

/** The last lines of a command's output, for the error message. A line that is cut at its front is left out, unless it is all there is. */
export function createTail(): { readonly add: (chunk: Uint8Array) => void; readonly text: () => string } {
  let kept = Buffer.alloc(0);
  let isCut = false;
  return {
    add(chunk) {
      isCut ||= kept.length + chunk.length > keptBytes;
      kept = Buffer.concat([kept, chunk.subarray(-keptBytes)]).subarray(-keptBytes);
    },
    text() {
      const lines = kept.toString('utf8').replace(/\n$/, '').split('\n');
      return lines.slice(isCut && lines.length > 1 ? Math.max(1, lines.length - keptLines) : -keptLines).join('\n');
    },
  };
}
