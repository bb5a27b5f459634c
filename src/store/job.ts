import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TbuildError } from '../errors.ts';
import type { CommittedDiff } from '../native/helper-types.ts';
import { digestFromHex } from '../oci/digest.ts';
import { writeNewFile } from '../util/atomic-write.ts';
import { ioError } from '../util/io-error.ts';
import type { StoreContext } from './context.ts';
import type { HeldLayers } from './held-layers.ts';
import { sealJson } from './guarded.ts';
import type { Layers } from './layers.ts';
import { sealListing } from './listing-file.ts';
import { isHexId } from './paths.ts';
import { removeIfEmpty } from './session.ts';
import type { Job, LayerInfo } from './types.ts';

export function createJob(context: StoreContext, layers: Layers, held: HeldLayers): Job {
  const { session, checksum, removeTree, bootId } = context;
  const path = session.newPath('job');
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    throw ioError(error, 'make', path);
  }
  let isSpent = false;
  let endHolding = (): void => {};
  const spend = (diff: CommittedDiff): void => {
    if (isSpent) throw new TypeError('the job was committed already');
    isSpent = true;
    checkDiff(diff);
  };
  const writeListing = (diff: CommittedDiff): void =>
    writeNewFile(join(path, 'listing'), sealListing(diff.listing, diff.entries, checksum));
  return {
    path,
    diff: join(path, 'diff'),
    work: join(path, 'work'),
    async commitLayer(diff, options = {}) {
      spend(diff);
      await removeLeftovers(path, removeTree);
      const info: LayerInfo = {
        id: diff.sha256,
        state: diff.state,
        diffId: diff.diffId === undefined ? undefined : digestFromHex(diff.diffId),
        tarSize: diff.tarSize,
        size: diff.size,
        entries: diff.entries,
        created: Date.now(),
        bootId: bootId(),
        omitted: options.omitted ?? [],
      };
      writeListing(diff);
      writeNewFile(join(path, 'layer.json'), [sealJson(info, checksum)]);
      return layers.adopt(path, info);
    },
    holdLayer(diff) {
      spend(diff);
      writeListing(diff);
      endHolding = held.add(diff.sha256, path);
      return { layer: diff.sha256, state: diff.state };
    },
    async [Symbol.asyncDispose]() {
      isSpent = true;
      endHolding();
      endHolding = () => {};
      if (!removeIfEmpty(path)) await removeTree([path]);
    },
  };
}

function checkDiff(diff: CommittedDiff): void {
  for (const hex of [diff.sha256, diff.state, ...(diff.diffId === undefined ? [] : [diff.diffId])]) {
    if (isHexId(hex)) continue;
    throw new TbuildError('TBUILD_HELPER', `the helper answered with a malformed digest: ${JSON.stringify(hex)}`);
  }
}

/** A layer holds its diff, listing and layer.json, nothing else. */
async function removeLeftovers(path: string, removeTree: (paths: readonly string[]) => Promise<void>): Promise<void> {
  const names = readdirSync(path);
  if (!names.includes('diff')) throw new TypeError(`the job ${path} has no diff directory to commit`);
  const leftovers = names.filter((name) => name !== 'diff');
  if (leftovers.length > 0) await removeTree(leftovers.map((name) => join(path, name)));
}
