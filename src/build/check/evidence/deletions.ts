import type { Deletion } from '../../../checks/evidence.ts';
import type { LookedStep } from '../../../checks/looked.ts';
import { mergedView } from '../../../store/merged.ts';
import type { MergedView } from '../../../store/merged.ts';
import type { LayerId, LayerState, Listing } from '../../../store/types.ts';

export interface MadeLayer {
  readonly step: LookedStep;
  readonly layer: LayerId;
}

/**
 * Which files of steps' layers later steps hide: what a whiteout is over, and what an opaque directory does not have any more. Files of the base are not told.
 *
 * @param chain all layers of the image, bottom first
 * @param made its topmost layers, in the same order
 */
export function findDeletions(
  chain: readonly LayerState[],
  made: readonly MadeLayer[],
  listingOf: (id: LayerId) => Listing,
): ReadonlyMap<LookedStep, readonly Deletion[]> {
  const found = new Map<LookedStep, readonly Deletion[]>();
  const base = chain.length - made.length;
  for (const [index, { step, layer }] of made.entries()) {
    const below = mergedView(chain.slice(0, base + index), listingOf);
    const above = mergedView(chain.slice(0, base + index + 1), listingOf);
    const writers = new Map(made.slice(0, index).map((each) => [each.layer, each.step]));
    const byWriter = new Map<LookedStep, { path: string; files: number; bytes: number }>();
    for (const { path, type, opaque } of listingOf(layer).entries()) {
      if (type !== 'whiteout' && !opaque) continue;
      for (const file of filesBelow(below, path)) {
        const writer = writers.get(below.layerOf(file.path) ?? '');
        if (writer === undefined || above.find(file.path) !== undefined) continue;
        const sum = byWriter.get(writer) ?? { path: `/${file.path}`, files: 0, bytes: 0 };
        byWriter.set(writer, { ...sum, files: sum.files + 1, bytes: sum.bytes + file.size });
      }
    }
    found.set(
      step,
      [...byWriter].map(([writer, sum]) => ({ writer, ...sum })),
    );
  }
  return found;
}

/** Regular files at a path and below it. Names of one file (hard links) count once. */
function* filesBelow(view: MergedView, path: string): Generator<{ readonly path: string; readonly size: number }> {
  const entry = view.find(path);
  if (entry?.type === 'file' && entry.hard === undefined) yield { path, size: entry.size };
  if (entry?.type !== 'directory') return;
  for (const child of view.children(path)) yield* filesBelow(view, child.path);
}
