import type { LayerId } from './types.ts';

/** Layers that are readable while a job of this store handle lives, and are not in the store. */
export interface HeldLayers {
  /** The directory that has the layer's `diff/` and `listing`. */
  directory(id: LayerId): string | undefined;
  /** Gives the function that ends it. */
  add(id: LayerId, directory: string): () => void;
}

/** Two jobs may hold the same layer: each directory is as good as the other. */
export function holdLayers(): HeldLayers {
  const held: { readonly id: LayerId; readonly directory: string }[] = [];
  return {
    directory: (wanted) => held.find(({ id }) => id === wanted)?.directory,
    add(id, directory) {
      const layer = { id, directory };
      held.push(layer);
      return () => void held.splice(held.indexOf(layer), 1);
    },
  };
}
