import { rm } from 'node:fs/promises';
import { ioError } from '../util/io-error.ts';

/** Removes trees without following symlinks; what is absent is fine. */
export type RemoveTree = (paths: readonly string[]) => Promise<void>;

/** Enough for what this process owns; files of mapped ids need the helper. */
export const removeOwnTree: RemoveTree = async (paths) => {
  for (const path of paths) {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      throw ioError(error, 'remove', path);
    }
  }
};
