/** A run of `key=value` strings: keys may repeat, order is kept. Values hold any character but NUL. */
export type Fields = readonly (readonly [key: string, value: string])[];

/** How the helper's own user namespace is made. Maps are `INSIDE OUTSIDE COUNT` triples. */
export type HelperIdentity =
  | { readonly kind: 'root' }
  | { readonly kind: 'mapped'; readonly uidMap: readonly IdRange[]; readonly gidMap: readonly IdRange[] }
  | { readonly kind: 'single'; readonly uid: number; readonly gid: number };

export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export interface DirectoryAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Name to lower-case hex. */
  readonly xattrs: Readonly<Record<string, string>>;
}

interface EntryBase {
  /** Relative to the diff, `/`-separated. */
  readonly path: string;
}

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. Undefined: the source's, or now. */
  readonly mtime: number | undefined;
  readonly xattrs?: Readonly<Record<string, string>> | undefined;
}

/** One entry of the helper's `write` operation. */
export type WriteEntry =
  | (EntryBase & Attributes & { readonly type: 'directory'; readonly opaque?: boolean })
  | (EntryBase & Omit<Attributes, 'mtime'> & { readonly type: 'parent' })
  | (EntryBase & Attributes & { readonly type: 'file'; readonly content: FileContent })
  | (EntryBase & { readonly type: 'hardlink'; readonly link: string })
  | (EntryBase & Attributes & { readonly type: 'symlink'; readonly link: string })
  | (EntryBase & { readonly type: 'whiteout' })
  | (EntryBase & Attributes & { readonly type: 'character' | 'block'; readonly major: number; readonly minor: number })
  | (EntryBase & Attributes & { readonly type: 'fifo' });

export type FileContent =
  /** Copied by the helper from a source root. */
  | {
      readonly kind: 'copy';
      readonly source: number;
      readonly path: string;
      /** Content digest, 64 hex digits, as it is known. */
      readonly sha256: string;
      /** Stamps that must still hold on the open descriptor; otherwise the copy is hashed and reported as changed. */
      readonly expect?: { readonly size: bigint; readonly mtimeNs: bigint; readonly ctimeNs: bigint } | undefined;
      /** Hash while copying whatever the stamps say. */
      readonly verify?: boolean | undefined;
    }
  /** Sent by the caller, exactly `size` bytes. */
  | { readonly kind: 'stream'; readonly size: number; readonly data: AsyncIterable<Uint8Array> };

export interface ChangedFile {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/** What `write` and `commit` answer: a finished, listed diff directory. */
export interface CommittedDiff {
  /** Canonical listing text. */
  readonly listing: Buffer;
  /** sha256 of the listing, 64 hex digits. */
  readonly sha256: string;
  /** sha256 of the listing without mtimes. */
  readonly state: string;
  /** sha256 of the canonical tar; undefined when not asked for. */
  readonly diffId: string | undefined;
  readonly tarSize: number | undefined;
  /** Bytes of file contents. */
  readonly size: number;
  readonly entries: number;
  /** Context files whose content was not what the key said. */
  readonly changed: readonly ChangedFile[];
}

export interface DiffOptions {
  /** Absolute path of the diff directory. `write` creates it. */
  readonly diff: string;
  /** What the root directory starts with (the merged root's attributes). */
  readonly rootAttributes: DirectoryAttributes;
  /** SOURCE_DATE_EPOCH in seconds: every mtime that the step wrote is set to it. */
  readonly epoch?: number | undefined;
  /** False: no canonical tar is computed (`diffId` stays undefined). @default true */
  readonly tar?: boolean | undefined;
  /** Bytes of file contents read so far, now and then while it lasts longer than a moment. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A layer in the store, and its verified listing. */
export interface EarlierLayer {
  readonly diff: string;
  readonly listing: string;
}

/** Fields as in addon/README.md, section `run`. */
export interface RunRequest {
  readonly fields: Fields;
  /** In the order in which they are mounted. */
  readonly mounts: readonly MountRequest[];
}

export interface MountRequest {
  readonly fields: Fields;
  /** Of a secret. */
  readonly content?: Uint8Array | undefined;
}

export interface RunCallbacks {
  readonly signal?: AbortSignal | undefined;
  /** Output is held back while the returned promise is pending. */
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void | Promise<void>;
  readonly onStarted?: ((command: RunningCommand) => void) | undefined;
  /** The command could not be executed. What this throws takes the place of the outcome, and of the message that goes to standard error. */
  readonly onExecFailed?: ((failure: ExecFailure) => void | Promise<void>) | undefined;
  /** Read as the command takes it; what it does not take is not read. The end of it is that of a pipe; a terminal has none. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
}

export interface ExecFailure {
  /** As in errno(3), of Linux. */
  readonly errno: number;
  readonly path: string;
}

export interface RunningCommand {
  /** In the host's PID namespace. */
  readonly pid: number;
  /** Sends it a signal; 9 ends the whole sandbox. */
  kill(signal: number): void;
  /** Gives its terminal another size. Only for a command that has one. */
  resize(size: TerminalSize): void;
}

/** Each from 0, which means unknown, to 65535. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export type RunOutcome =
  { readonly kind: 'exit'; readonly exitCode: number } | { readonly kind: 'signal'; readonly signal: number };

/** What a tree takes on the disk. */
export interface TreeUsage {
  /** Of directories and of files with one link. */
  readonly bytes: number;
  /** Files with several links, which may be in other trees as well. */
  readonly linked: readonly LinkedFile[];
}

export interface LinkedFile {
  readonly inode: number;
  readonly bytes: number;
  readonly links: number;
  /** How many of the links are in this tree. */
  readonly seen: number;
}

export interface HelperInfo {
  readonly pid: number;
  readonly userns: 'none' | 'map' | 'single';
}

/**
 * The helper process of one build, spawned when first used. Every failure is a `TbuildError`: `TBUILD_CHOWN`, `TBUILD_DEVICE_NODE`, `TBUILD_SANDBOX_SETUP`, `TBUILD_IO` with
 * `details: { operation, errno, path }`, `TBUILD_HELPER` when the process is gone. An aborted signal cancels the operation and rejects with its reason.
 */
export interface Helper extends AsyncDisposable {
  info(): Promise<HelperInfo>;
  /** Makes a diff directory from entries (a directory before its children) and lists it. Files that `reuse` has as they are to be become hard links to it, with the mtime that they have there. */
  write(
    options: DiffOptions & { readonly sources?: readonly string[]; readonly reuse?: EarlierLayer | undefined },
    entries: Iterable<WriteEntry> | AsyncIterable<WriteEntry>,
  ): Promise<CommittedDiff>;
  /** Lists a finished upper directory, removing its work directory first. */
  commit(options: DiffOptions & { readonly work?: string }): Promise<CommittedDiff>;
  /** The canonical tar of a layer, streamed. */
  tar(options: {
    readonly diff: string;
    readonly listing: string;
    readonly signal?: AbortSignal | undefined;
  }): AsyncIterable<Buffer>;
  /** A regular file inside a rootfs or diff directory, from `offset` on; undefined when absent. Above `max` bytes it fails, or with `cut` gives that many. */
  read(options: {
    readonly root: string;
    readonly path: string;
    readonly max: number;
    readonly cut?: boolean | undefined;
    readonly offset?: number | undefined;
  }): Promise<Buffer | undefined>;
  /** Copies a merged tree (layers topmost first) into an existing empty directory; resolves to the bytes of its files' contents. */
  export(options: {
    readonly layers: readonly string[];
    readonly destination: string;
    /** As of `DiffOptions`. */
    readonly onProgress?: ((bytes: number) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<number>;
  /** What trees take on the disk, each by itself; what is absent is 0 bytes. */
  usage(paths: readonly string[]): Promise<readonly TreeUsage[]>;
  /** Removes trees; what is absent is fine. */
  remove(paths: readonly string[]): Promise<void>;
  /** Runs one command in a sandbox. */
  run(request: RunRequest, callbacks: RunCallbacks): Promise<RunOutcome>;
}
