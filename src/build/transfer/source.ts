import type { FileContent } from '../../native/helper-types.ts';

interface SourceAttributes {
  /** Relative to the item; '' is the item itself. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds. */
  readonly mtime: number;
  readonly xattrs: Readonly<Record<string, string>>;
}

/** A file system object to be copied, wherever it comes from: the build context, another stage, an image. */
export type SourceEntry =
  | (SourceAttributes & {
      readonly type: 'directory';
      /** Only on the way to others: where there is such a directory already, it keeps its owner and attributes, and gets this mode. */
      readonly passed: boolean;
    })
  | (SourceAttributes & { readonly type: 'fifo' })
  | (SourceAttributes & { readonly type: 'character'; readonly major: number; readonly minor: number })
  | (SourceAttributes & { readonly type: 'block'; readonly major: number; readonly minor: number })
  | (SourceAttributes & { readonly type: 'symlink'; readonly link: string })
  | (SourceAttributes & {
      readonly type: 'file';
      readonly content: FileContent;
      readonly size: number;
      /** Path of an earlier entry of the item that is the same file. */
      readonly hardlink: string | undefined;
    });

/** What one source argument (or one match of its wildcard) names: the thing itself first, then what is below it, parents before children. */
export interface SourceItem {
  /** Last component of its path. */
  readonly name: string;
  /** As the user wrote it, for messages. */
  readonly source: string;
  readonly entries: readonly SourceEntry[];
  /** False: ADD does not unpack it. Undefined: it does if it is an archive, and the instruction does not say otherwise. */
  readonly unpack?: boolean | undefined;
}

/** A file that was not what its digest said when it was copied. */
export interface ChangedSource {
  /** Which of the set's roots it lies in. */
  readonly root: number;
  /** Relative to that. */
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/** The sources of one COPY or ADD. */
export interface SourceSet {
  /** What the result depends on, without times and places: sha256, 64 hex digits. */
  readonly digest: string;
  readonly items: readonly SourceItem[];
  /** Absolute directories that `FileContent.source` counts. */
  readonly roots: readonly string[];
}
