import type { Digest } from '../oci/digest.ts';
import type { Platform } from '../oci/platform.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { CommittedDiff } from '../native/helper-types.ts';

/** sha256 of a layer's listing, 64 lower-case hex digits. */
export type LayerId = string;

/** One layer as it stands in an image. `state` is the stateDigest: of a native layer its listing without mtimes, of an arrived one its diffID (both 64 hex digits). */
export interface ChainLayer {
  readonly layer: LayerId;
  readonly diffId: Digest;
  readonly state: string;
}

/** What of a layer decides which files it shows. */
export type LayerState = Pick<ChainLayer, 'layer' | 'state'>;

/** Bottom first, as in an image config's `rootfs.diff_ids`. */
export type Chain = readonly ChainLayer[];

/** One line of a listing (docs/store-listing.md). */
export interface ListingEntry {
  /** Without leading slash; '' is the root. */
  readonly path: string;
  readonly type: 'directory' | 'file' | 'symlink' | 'character' | 'block' | 'fifo' | 'whiteout';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds; undefined for parents and whiteouts. */
  readonly mtime: number | undefined;
  readonly size: number;
  /** Of regular files, 64 hex digits. */
  readonly sha256: string | undefined;
  readonly link: string | undefined;
  readonly device: { readonly major: number; readonly minor: number } | undefined;
  /** The group's first path, on all but that first. */
  readonly hard: string | undefined;
  readonly opaque: boolean;
  readonly parent: boolean;
  /** Name to lower-case hex. */
  readonly xattrs: Readonly<Record<string, string>>;
}

/** A layer's listing on disk. Lookups read a few blocks; nothing is parsed that is not asked for. */
export interface Listing {
  readonly id: LayerId;
  find(path: string): ListingEntry | undefined;
  /** Entries directly inside a directory of this layer (whiteouts too), sorted by path bytes. '' is the root. */
  children(path: string): readonly ListingEntry[];
  /** True when this layer has an entry at or below the path. */
  touches(path: string): boolean;
  /** All entries, in order. */
  entries(): Iterable<ListingEntry>;
}

/** layer.json */
export interface LayerInfo {
  readonly id: LayerId;
  readonly state: string;
  readonly diffId: Digest | undefined;
  readonly tarSize: number | undefined;
  /** Bytes of file contents. */
  readonly size: number;
  readonly entries: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly bootId: string;
  /** Device nodes and the like that could not be made here, for layers that arrived. */
  readonly omitted: readonly string[];
}

/** Known facts about a diffID: which layer holds it, and its blob where it arrived as one. */
export interface DiffIdInfo {
  readonly layer: LayerId;
  readonly state: string;
  readonly blob: Descriptor | undefined;
}

/** An image in the store. The id is the config's digest; config and (known) manifest are blobs. */
export interface ImageRecord {
  readonly id: Digest;
  readonly platform: Platform;
  readonly chain: Chain;
  /** RFC 3339, from the config. */
  readonly created: string | undefined;
  /** Bytes of all layers' contents. */
  readonly size: number;
  /** As pulled: reference → manifest descriptor. */
  readonly repoDigests: readonly string[];
  readonly manifest: Descriptor | undefined;
  readonly parentBuild: string | undefined;
}

export interface NamedImage {
  /** Normalised, e.g. `docker.io/library/debian:trixie`; undefined: dangling. */
  readonly name: string | undefined;
  readonly image: ImageRecord;
}

/** A private directory below tmp/ for work in flight, alive as long as its store handle; what no live handle has locked is garbage. */
export interface Job extends AsyncDisposable {
  readonly path: string;
  /** `path/diff`, not created. */
  readonly diff: string;
  /** `path/work`, not created. */
  readonly work: string;
  /**
   * Writes listing and layer.json beside `diff` and renames the job to `layers/<id>`. Idempotent: success means that the layer is in the store, not that this call put it there.
   * The job is spent afterwards. The layer is leased for the store handle.
   */
  commitLayer(diff: CommittedDiff, options?: { readonly omitted?: readonly string[] }): Promise<LayerInfo>;
  /** Makes the diff a layer that this store handle alone can read (`listing`, `diffDirectory`), until the job is disposed. */
  holdLayer(diff: CommittedDiff): LayerState;
}

/** What is known of a cache mount (`RUN --mount=type=cache`) beside its files. */
export interface CacheMountAbout {
  /** As the Dockerfile gives it. */
  readonly id: string;
  /** BUILDKIT_CACHE_MOUNT_NS. */
  readonly namespace: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export interface CacheMount extends CacheMountAbout {
  /** 64 hex digits: its directory is `mounts/<key>`. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly lastUsed: number;
  /** Those after the first were made for `sharing=private`. Files belong to ids of the image. */
  readonly copies: readonly { readonly directory: string; readonly inUse: boolean }[];
}

export interface CacheMountRequest {
  /** 64 hex digits: a hash of what tells cache mounts apart. */
  readonly key: string;
  /** `shared`: beside other such users. `locked`: alone, waiting for others. `private`: alone, in another copy where the first is in use. */
  readonly sharing: 'shared' | 'private' | 'locked';
  readonly about: CacheMountAbout;
  /** Makes the directory with its first content. */
  readonly make: (directory: string) => Promise<void>;
  /** Called once when somebody else has it. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CacheMountUse {
  readonly directory: string;
  /** Lets others have it. */
  readonly release: () => void;
}

/** What takes room, in docker's words: layers with all that belongs to them, or cache mounts. */
export type UsageType = 'regular' | 'exec.cachemount';

export interface PruneResult {
  readonly layers: readonly { readonly id: LayerId; readonly size: number }[];
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
  readonly records: number;
  readonly images: readonly Digest[];
  /** Cache mounts, or copies of them; their sizes are of the disk. */
  readonly mounts: readonly { readonly key: string; readonly id: string; readonly size: number }[];
  /** Bytes that the disk gets back: blocks, directories too. A file with links in what stays frees none. Sizes of layers and blobs are of contents. */
  readonly reclaimed: number;
}

/** One directory that any number of processes share. */
export interface Store extends AsyncDisposable {
  readonly root: string;

  createJob(): Promise<Job>;
  /** Keeps layers from `prune` until the store handle is disposed, and says which of them are really there and survived the last power cut. */
  lease(ids: readonly LayerId[]): Promise<readonly boolean[]>;
  layerInfo(id: LayerId): Promise<LayerInfo | undefined>;
  diffDirectory(id: LayerId): string;
  /** Throws TBUILD_STORE_CORRUPT when it does not match its checksum. Handles are cached by the store. */
  listing(id: LayerId): Listing;
  findDiffId(diffId: Digest): Promise<DiffIdInfo | undefined>;
  putDiffId(diffId: Digest, info: DiffIdInfo): Promise<void>;

  /** Leases the blob. */
  hasBlob(digest: Digest): Promise<boolean>;
  blobPath(digest: Digest): string;
  /** Verified; TBUILD_STORE_CORRUPT when absent or wrong. */
  readBlob(digest: Digest): Promise<Buffer>;
  putBlob(content: Buffer): Promise<Digest>;
  /** Streams to a file while hashing; `commit` verifies, then moves it into place. */
  blobWriter(start?: BlobStart): Promise<BlobWriter>;

  /** Guarded JSON values (cache records of one static key, newest first). Unreadable or torn ones read as absent. */
  readRecords(key: string): Promise<readonly unknown[]>;
  /** Puts a record in front under a lock, dropping those for which `replaces` is true and the oldest beyond 16. */
  addRecord(key: string, record: unknown, replaces: (other: unknown) => boolean): Promise<void>;
  /** Notes the use of records without a layer; what is leased is noted as used by itself. For `prune`, which can keep what was used lately. */
  noteRecordUse(key: string): void;
  /** Every record by its static key. For the curious: it reads them all. */
  allRecords(): Promise<ReadonlyMap<string, readonly unknown[]>>;
  /** Small guarded values by kind and name: parsed Dockerfiles, last-build reports, what programs of layers need. */
  readValue(kind: ValueKind, name: string): Promise<unknown>;
  writeValue(kind: ValueKind, name: string, value: unknown): Promise<void>;
  /** Names of the values of a kind, but for those that had to be shortened. */
  valueNames(kind: ValueKind): Promise<readonly string[]>;
  /** Guarded binary files: the stat index of a context. */
  readBytes(kind: 'contexts', name: string): Promise<Buffer | undefined>;
  writeBytes(kind: 'contexts', name: string, bytes: Buffer): Promise<void>;

  /** Gives a cache mount's directory, made where it is missing, locked until it is released or this process ends. */
  useCacheMount(request: CacheMountRequest): Promise<CacheMountUse>;
  listCacheMounts(): Promise<readonly CacheMount[]>;

  /** By name, full id, or at least 4 digits of one (TBUILD_REFERENCE when ambiguous). */
  findImage(nameOrId: string): Promise<NamedImage | undefined>;
  listImages(): Promise<readonly NamedImage[]>;
  putImage(image: ImageRecord): Promise<void>;
  /** Syncs the file system once, then moves the names atomically. */
  tag(id: Digest, names: readonly string[]): Promise<void>;
  /** TBUILD_IMAGE_NOT_FOUND when nothing has the name. */
  untag(name: string): Promise<void>;
  /** TBUILD_IMAGE_IN_USE while it has a name. Its layers go with the next `prune`. */
  removeImage(id: Digest): Promise<void>;

  /**
   * Removes images without a name, and layers and blobs that no named image, record or live store handle reaches. With `all` also cache mounts that nobody uses, and records that do not lead to a named image: records are
   * objects with `layer` (LayerId, or null with `heldOn`, the chain state that the step stands on). Safe while builds run; `dryRun` changes nothing.
   */
  prune(options?: {
    readonly all?: boolean;
    readonly dryRun?: boolean;
    /** Milliseconds since the epoch: only what was neither made nor used since. */
    readonly unusedSince?: number | undefined;
    /** Only these; cache mounts that are asked for so go without `all`. */
    readonly type?: UsageType | undefined;
    readonly signal?: AbortSignal;
  }): Promise<PruneResult>;
}

export type ValueKind = 'dockerfiles' | 'builds' | 'programs';

/**
 * What of a blob is there before anything is written.
 *
 * - `resume`: what an earlier transfer of the blob left behind. Without `commit`, what was written is left for the next one, unless it is little, or the disk is full.
 * - `file`: all of it, in a file of the caller's on the store's file system. That becomes the blob without being copied, and stays the caller's.
 */
export type BlobStart =
  | { readonly kind: 'new' }
  | { readonly kind: 'resume'; readonly digest: Digest; readonly size: number }
  | { readonly kind: 'file'; readonly path: string; readonly size: number };

export interface BlobWriter extends AsyncDisposable {
  /** Bytes that are there already. */
  readonly keptSize: number;
  /** These bytes, not verified. Obligation: read to its end before the first `write` or `commit`. */
  kept(): AsyncIterable<Buffer>;
  write(chunk: Uint8Array): Promise<void>;
  /** The bytes turned out to be wrong: nobody is to go on with them. */
  discard(): void;
  /** Fails with TBUILD_DIGEST_MISMATCH when `expected` differs. */
  commit(expected?: {
    readonly digest: Digest;
    readonly size?: number;
  }): Promise<{ readonly digest: Digest; readonly size: number }>;
}
