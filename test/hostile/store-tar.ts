import { accessOf } from '../../src/rootfs/open-store.ts';
import type { Workshop } from '../helpers/workshop.ts';

/** The canonical tar of a layer in a workshop's store. */
export async function openStoreTar(shop: Workshop, layer: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const options = { diff: shop.store.diffDirectory(layer), listing: `${shop.store.root}/layers/${layer}/listing` };
  for await (const chunk of accessOf(shop.store).helper.tar(options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
