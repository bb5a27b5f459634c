import type { ChmodMode } from '../../dockerfile/chmod-mode.ts';
import { TbuildError } from '../../errors.ts';
import type { FactReader } from '../../cache/facts.ts';
import type { DirectoryAttributes, WriteEntry } from '../../native/helper-types.ts';
import type { ListingEntry } from '../../store/types.ts';
import { walk } from './walk.ts';
import type { WalkedPath } from './walk.ts';

/** Owner and mode that --chown and --chmod give to what is copied and to directories made on the way. */
export interface Ownership {
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly chmod: ChmodMode | undefined;
  /** What a directory made on the way takes the place of, where the layer stands on nothing: it keeps its owner and mode. */
  readonly replaced?: ((path: string) => ListingEntry | undefined) | undefined;
}

export type Place = 'absent' | 'directory' | 'other';

/** Places entries on a state: knows what is there (as facts) and what this step has put there itself. */
export interface Placer {
  readonly rootAttributes: DirectoryAttributes;
  walk(path: string): WalkedPath;
  /** Entries for the directories above a walked path: existing ones as parents, missing ones as new directories. */
  above(walked: WalkedPath, mode?: number): WriteEntry[];
  /** A new directory as docker makes one on the way: `mode` (by default an octal --chmod under the umask 022, or 0755), 0:0 (or --chown), now. */
  newDirectory(path: string, mode?: number): WriteEntry;
  /** What it takes to write below a directory that is there: it keeps all but its mode (as docker build). */
  passThrough(path: string, mode: number): WriteEntry[];
  /** What a directory to be written meets. */
  directoryPlace(path: string): Place;
  /** What anything else to be written meets. */
  filePlace(path: string): 'directory' | 'other';
  /** Notes what this step has put at a path. */
  put(path: string, place: 'directory' | 'other'): void;
  find(path: string): ListingEntry | undefined;
}

type DirectoryOwner = Pick<DirectoryAttributes, 'mode' | 'uid' | 'gid'>;

const setGroup = 0o2000;

export const defaultDirectoryMode = 0o755;

/** What --chmod leaves of a directory that is made on the way: docker makes it under the umask 022, and of the special bits none arrive. */
const madeDirectoryBits = 0o755;

export function createPlacer(reader: FactReader, ownership: Ownership): Placer {
  const written = new Map<string, 'directory' | 'other'>();
  const parents = new Set<string>();
  // Nothing of the state below shows under a directory that this step has made where nothing was.
  const fresh = new Set<string>();
  const isFresh = (path: string): boolean => {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      if (fresh.has(path.slice(0, slash))) return true;
    }
    return false;
  };
  const made = new Map<string, DirectoryOwner>();
  // As mkdir(2): a directory hands its group down with the bit that says so. docker's chown then leaves the bit.
  const inherited = (path: string, mode: number): DirectoryOwner => {
    const above = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const parent = made.get(above) ?? (written.has(above) ? undefined : reader.component(above));
    const handsDown = parent !== undefined && (parent.mode & setGroup) !== 0;
    const { uid, gid } = ownership.owner ?? { uid: 0, gid: handsDown ? parent.gid : 0 };
    return { mode: handsDown ? mode | setGroup : mode, uid, gid };
  };
  const newDirectory = (
    path: string,
    mode = (ownership.chmod?.fixed ?? defaultDirectoryMode) & madeDirectoryBits,
  ): WriteEntry => {
    written.set(path, 'directory');
    fresh.add(path);
    const replaced = ownership.replaced?.(path);
    const attributes = replaced?.type === 'directory' ? attributesOf(replaced) : inherited(path, mode);
    made.set(path, attributes);
    return { type: 'directory', path, ...attributes, mtime: undefined };
  };
  const above = ({ existing, missing }: Pick<WalkedPath, 'existing' | 'missing'>, mode?: number): WriteEntry[] => {
    const entries: WriteEntry[] = [];
    for (const entry of existing) {
      if (parents.has(entry.path)) continue;
      parents.add(entry.path);
      entries.push(parentEntry(entry));
    }
    for (const path of missing) if (!written.has(path)) entries.push(newDirectory(path, mode));
    return entries;
  };
  return {
    rootAttributes: rootAttributes(reader.component('')),
    walk: (path) => walk(reader, path),
    above,
    passThrough(path, mode) {
      const entry = written.has(path) || path === '' ? undefined : reader.component(path);
      return entry === undefined ? [] : above({ existing: [{ ...entry, mode }], missing: [] });
    },
    newDirectory,
    directoryPlace(path) {
      const own = written.get(path);
      if (own !== undefined) return own;
      const place = isFresh(path) ? 'absent' : reader.directoryPlace(path);
      if (place === 'absent') fresh.add(path);
      return place;
    },
    filePlace: (path) => written.get(path) ?? (isFresh(path) ? 'other' : reader.filePlace(path)),
    put: (path, place) => void written.set(path, place),
    find: (path) => (isFresh(path) ? undefined : reader.component(path)),
  };
}

function attributesOf({ mode, uid, gid }: ListingEntry): DirectoryOwner {
  return { mode, uid, gid };
}

export function parentEntry(entry: ListingEntry): WriteEntry {
  const { path, mode, uid, gid, xattrs } = entry;
  return { type: 'parent', path, mode, uid, gid, xattrs };
}

export function rootAttributes(root: ListingEntry | undefined): DirectoryAttributes {
  return {
    mode: root?.mode ?? defaultDirectoryMode,
    uid: root?.uid ?? 0,
    gid: root?.gid ?? 0,
    xattrs: root?.xattrs ?? {},
  };
}

/** A layer tar marks a deleted name by this prefix (OCI image spec, "Whiteouts"): a file so named would delete another. */
export function refuseWhiteoutName(path: string): void {
  if (!path.slice(path.lastIndexOf('/') + 1).startsWith('.wh.')) return;
  throw new TbuildError('TBUILD_COPY', `/${path}: a name that begins with .wh. cannot be stored in an image layer`, {
    hint: 'the prefix marks deleted files in layers; rename the file or exclude it with .dockerignore',
    details: { path: `/${path}` },
  });
}
