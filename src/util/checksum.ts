import xxhash from 'xxhash-wasm';

/** xxh64 of the parts in a row. Guards the store's own files against torn writes and bit rot; it never names anything. */
export type Checksum = (parts: readonly Uint8Array[]) => bigint;

/** xxh64 of a stream. */
export interface RunningChecksum {
  update(part: Uint8Array): void;
  digest(): bigint;
}

let loading: ReturnType<typeof xxhash> | undefined;

/** Compiles the WebAssembly module when first asked (about 1 ms). */
function load(): ReturnType<typeof xxhash> {
  loading ??= xxhash();
  return loading;
}

// The module's memory grows to the longest piece that it is given and never shrinks.
const longestPiece = 1 << 20;

export async function loadChecksum(): Promise<Checksum> {
  const api = await load();
  return (parts) => {
    const [only] = parts;
    if (parts.length === 1 && only !== undefined && only.length <= longestPiece) return api.h64Raw(only);
    const running = inPieces(api.create64());
    for (const part of parts) running.update(part);
    return running.digest();
  };
}

/** For contents that come from outside with an xxh64, as zstd's do. */
export async function runningChecksum(): Promise<RunningChecksum> {
  return inPieces((await load()).create64());
}

function inPieces(state: { update(part: Uint8Array): unknown; digest(): bigint }): RunningChecksum {
  return {
    update(part) {
      for (let start = 0; start < part.length; start += longestPiece) {
        state.update(part.subarray(start, start + longestPiece));
      }
    },
    digest: () => state.digest(),
  };
}
