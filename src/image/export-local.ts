import { mkdir, readdir } from 'node:fs/promises';
import { TbuildError } from '../errors.ts';
import { mountOrder } from '../store/chain.ts';
import type { Chain } from '../store/types.ts';
import { ioError } from '../util/io-error.ts';
import type { OnExport } from './counted.ts';
import type { LayerAccess } from './layer-blob.ts';

/**
 * Copies what a chain of layers adds up to into a directory, which is made if need be and must be empty. Owners are kept where the user may set them. Resolves to the bytes of file contents.
 * Throws TBUILD_OUTPUT.
 */
export async function exportLocal(
  access: LayerAccess & {
    readonly chain: Chain;
    readonly destination: string;
    readonly onExport?: OnExport | undefined;
  },
): Promise<number> {
  const { store, helper, chain, destination, signal, onExport } = access;
  await prepareDirectory(destination);
  const layers = (await mountOrder(store, chain)).map((layer) => store.diffDirectory(layer));
  return helper.export({ layers, destination, signal, onProgress: (bytes) => onExport?.('files', bytes, undefined) });
}

async function prepareDirectory(path: string): Promise<void> {
  let names: readonly string[];
  try {
    await mkdir(path, { recursive: true });
    names = await readdir(path);
  } catch (error) {
    throw ioError(error, 'make the output directory', path);
  }
  if (names.length === 0) return;
  throw new TbuildError('TBUILD_OUTPUT', `the output directory ${path} is not empty`, {
    hint: 'Give a directory that does not exist yet, or empty it: files of an earlier export would stay among the new ones.',
    details: { path },
  });
}
