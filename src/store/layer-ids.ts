import type { LayerId } from './types.ts';

/** Ids of all committed layers of a store, in no order. Loads its lister when called: a build never lists the store. */
export async function listLayerIds(root: string): Promise<readonly LayerId[]> {
  const { default: glob } = await import('fast-glob');
  const files = await glob('layers/*/layer.json', { cwd: root, deep: 3, suppressErrors: true });
  return files.map((file) => file.split('/')[1] ?? '');
}
