import type { NativeAddon } from '../native/addon.ts';
import type { Checksum } from '../util/checksum.ts';
import type { Leases } from './leases.ts';
import type { Lock } from './lock.ts';
import type { StorePaths } from './paths.ts';
import type { MeasureTrees, RemoveTree } from './removal.ts';
import type { Session } from './session.ts';
import type { Unsynced } from './sync-mark.ts';
import type { Listing, LayerId } from './types.ts';

/** Asks whether a layer that was written before the machine last started, and never synced, is whole. */
export type VerifyLayer = (layer: {
  readonly id: LayerId;
  readonly diff: string;
  readonly listing: Listing;
}) => Promise<boolean>;

/** What the parts of one store handle share. */
export interface StoreContext {
  readonly paths: StorePaths;
  readonly addon: NativeAddon;
  readonly checksum: Checksum;
  readonly removeTree: RemoveTree;
  readonly measureTrees: MeasureTrees;
  readonly verifyLayer: VerifyLayer | undefined;
  /** gc.lock: shared while something is acquired, exclusive while prune decides. */
  readonly gc: Lock;
  readonly recordsLock: Lock;
  readonly leases: Leases;
  readonly session: Session;
  readonly unsynced: Unsynced;
  /** This start of the machine. */
  readonly bootId: () => string;
}
