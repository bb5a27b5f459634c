/** One rule of an ignore file as `scanTree` takes it: a cleaned Docker pattern without its `!`. */
export interface PruneRule {
  readonly pattern: string;
  readonly negated: boolean;
}

/** What `probe` found out about this process and kernel. */
export interface KernelFacts {
  readonly release: string;
  readonly machine: string;
  readonly bootId: string;
  readonly uid: number;
  readonly gid: number;
  /** Effective capability mask, as a hexadecimal string. */
  readonly effectiveCapabilities: string;
  readonly seccompMode: number;
}

/** SHA-256 (FIPS 180-4) of what was given to `update`, in 64 lower-case hex digits. Strings count as UTF-8. */
export interface Sha256 {
  update(bytes: string | Uint8Array): this;
  hex(): string;
}

/**
 * The addon's functions, typed by hand. Failures throw (or reject with) an `Error` that has `code` (`'ENOENT'`…), `errno` and `path`, as those of `node:fs`.
 * Arguments are validated again in C++ so that a wrong call can never crash.
 */
export interface NativeAddon {
  /**
   * Lists a tree without following symlinks or crossing into what the rules exclude: a directory or file is left out when the last rule that matches it (or a parent) is not negated,
   * unless a negated rule could match something below it. The result may thus hold more than the exact rules admit, never less.
   *
   * Depth first, names sorted by bytes; the root itself is not listed. Each record, little-endian, without padding:
   * `u32 pathLength · u32 mode (with S_IFMT) · u32 uid · u32 gid · u64 dev · u64 ino · u64 size · i64 mtimeNs · i64 ctimeNs · u32 nlink · path bytes` (relative, `/`-separated).
   * Behind a directory that may not be read or searched, in place of what is in it, comes a record of zeros whose path is the directory's with a slash at the end.
   */
  scanTree(root: string, rules: readonly PruneRule[]): Promise<Buffer>;
  /**
   * SHA-256 of regular files (of the target text for symlinks), off the main thread and in parallel. `paths` are relative to `root` (bytes as `util/path-bytes.ts` has them) and opened beneath it without following symlinks.
   * Per path, in order: `u8 status (0 ok, else errno) · 32 bytes digest · u32 length · xattrs` where xattrs is a run of NUL-terminated `NAME=HEX` strings of that length
   * (security.capability, user.* and system.posix_acl_* only).
   */
  hashFiles(root: string, paths: readonly string[]): Promise<Buffer>;
  /** Advisory lock on an open descriptor. Returns false when `wait` is false and somebody else holds it. With `wait` it blocks the thread, for 10 s at most (then `ETIMEDOUT`): use only on locks held for moments. */
  lock(fd: number, mode: 'shared' | 'exclusive' | 'none', wait: boolean): boolean;
  /** `syncfs(2)` of the file system that holds `fd`. */
  syncFilesystem(fd: number): Promise<void>;
  /** A `SOCK_SEQPACKET` pair, close-on-exec: the control socket of a helper. */
  controlSocket(): readonly [number, number];
  /** Makes an operation's stream socket pair, sends one end over `controlFd` and returns the other (non-blocking, close-on-exec). */
  startOperation(controlFd: number): number;
  closeDescriptor(fd: number): void;
  /** Puts the terminal `fd` into raw mode (cfmakeraw(3): Node's own raw mode still turns `\n` into `\r\n`). Returns its settings as they were. */
  makeTerminalRaw(fd: number): Buffer;
  /** Settings that `makeTerminalRaw` returned; from the background too. */
  restoreTerminal(fd: number, settings: Buffer): void;
  probe(): KernelFacts;
  readonly Sha256: new () => Sha256;
}
