import { readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isTbuildError } from '../errors.ts';
import { writeFileAtomic } from '../util/atomic-write.ts';
import { errnoOf, ioError } from '../util/io-error.ts';
import { readSmallFile } from '../util/small-file.ts';
import type { StoreContext } from './context.ts';
import { readSealedJson, sealJson } from './guarded.ts';
import { markSynced, syncState } from './sync-mark.ts';
import { discard } from './trash.ts';
import type { LayerId, LayerInfo, Listing } from './types.ts';

export interface Layers {
  /** layer.json of a layer that is there and sound. */
  info(id: LayerId): LayerInfo | undefined;
  lease(ids: readonly LayerId[]): Promise<readonly boolean[]>;
  /** Makes a finished job directory the layer, unless it is there already. Leases it. */
  adopt(job: string, info: LayerInfo): Promise<LayerInfo>;
}

/** @param listing opens the listing of a layer that is about to be verified */
export function openLayers(context: StoreContext, listing: (id: LayerId) => Listing): Layers {
  const { paths, checksum, gc, leases, session, unsynced, bootId, verifyLayer } = context;
  const known = new Map<LayerId, LayerInfo>();
  const sound = new Set<LayerId>();

  const readInfo = (id: LayerId): LayerInfo | undefined =>
    readSealedJson(paths.layerInfo(id), checksum) as LayerInfo | undefined;

  /** Whether the layer is there and all that was written into it can be relied on. */
  const isSound = (id: LayerId): boolean => {
    if (sound.has(id)) return true;
    const path = paths.layerInfo(id);
    const state = syncState(path);
    if (state === 'absent') return false;
    if (state === 'unsynced') {
      if (readInfo(id)?.bootId !== bootId()) return false;
      unsynced.add(path);
    }
    return true;
  };

  const soundListing = (id: LayerId): Listing | undefined => {
    try {
      return listing(id);
    } catch (error) {
      if (isTbuildError(error, 'TBUILD_STORE_CORRUPT')) return undefined;
      throw error;
    }
  };

  const verify = async (id: LayerId): Promise<boolean> => {
    const path = paths.layerInfo(id);
    const ino = statSync(path, { throwIfNoEntry: false })?.ino;
    if (verifyLayer === undefined || ino === undefined || readInfo(id) === undefined) return false;
    const found = soundListing(id);
    if (found === undefined) return false;
    if (!(await verifyLayer({ id, diff: join(paths.layer(id), 'diff'), listing: found }))) return false;
    // It was written before the machine started and has just been read from the disk.
    markSynced({ path, ino });
    return true;
  };

  const info = (id: LayerId): LayerInfo | undefined => {
    const cached = known.get(id);
    if (cached !== undefined) return cached;
    const read = isSound(id) ? readInfo(id) : undefined;
    // Without a lease it may be gone a moment later.
    if (read !== undefined && sound.has(id)) known.set(id, read);
    return read;
  };

  /** Another process made the same layer first, perhaps without asking for the diffID. */
  const complete = (existing: LayerInfo, made: LayerInfo): LayerInfo => {
    if (existing.diffId !== undefined || made.diffId === undefined) return existing;
    const { diffId, tarSize, bootId: thisBoot } = made;
    const completed = { ...existing, diffId, tarSize, bootId: thisBoot };
    const path = paths.layerInfo(existing.id);
    writeFileAtomic(path, session.newPath('layer-info'), [sealJson(completed, checksum)]);
    unsynced.add(path);
    known.set(existing.id, completed);
    return completed;
  };

  return {
    info,
    async lease(ids) {
      const answers = await gc.run('shared', () => {
        leases.add('layer', ids);
        return ids.map(isSound);
      });
      return Promise.all(
        ids.map(async (id, index) => {
          const answer = answers[index] === true || (await verify(id));
          // Leased now, so that it stays.
          if (answer) sound.add(id);
          return answer;
        }),
      );
    },
    async adopt(job, made) {
      const target = paths.layer(made.id);
      const finish = (): LayerInfo => {
        unsynced.add(paths.layerInfo(made.id));
        sound.add(made.id);
        known.set(made.id, made);
        return made;
      };
      const joinExisting = (): LayerInfo | undefined => {
        if (!isSound(made.id)) return undefined;
        repair(job, target, readInfo(made.id) !== undefined);
        sound.add(made.id);
        return complete(info(made.id) ?? made, made);
      };
      const adopted = await gc.run('shared', () => {
        leases.add('layer', [made.id]);
        return moveInto(job, target) ? finish() : joinExisting();
      });
      if (adopted !== undefined) return adopted;
      // A power cut may have torn what is there.
      return gc.run('exclusive', () => {
        const joined = joinExisting();
        if (joined !== undefined) return joined;
        discard(paths.inside('tmp'), target);
        if (!moveInto(job, target)) throw new TypeError(`${target} appeared under an exclusive lock`);
        return finish();
      });
    },
  };
}

/**
 * Heals listing and layer.json of a layer whose contents were synced and yet do not match their checksums. Its directory stays: it may be mounted.
 * @param hasInfo layer.json of the layer is readable
 */
function repair(job: string, target: string, hasInfo: boolean): void {
  const [ours, theirs] = [join(job, 'listing'), join(target, 'listing')];
  if (readSmallFile(theirs)?.equals(readFileSync(ours)) !== true) renameSync(ours, theirs);
  if (!hasInfo) renameSync(join(job, 'layer.json'), join(target, 'layer.json'));
}

/** False: there is a directory already. */
function moveInto(job: string, target: string): boolean {
  try {
    renameSync(job, target);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOTEMPTY' || errno === 'EEXIST') return false;
    throw ioError(error, 'commit the layer', target);
  }
}
