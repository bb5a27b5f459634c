import { constants } from 'node:fs';

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'character' | 'block' | 'socket';

const types: ReadonlyMap<number, FileType> = new Map([
  [constants.S_IFREG, 'file'],
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'symlink'],
  [constants.S_IFIFO, 'fifo'],
  [constants.S_IFCHR, 'character'],
  [constants.S_IFBLK, 'block'],
  [constants.S_IFSOCK, 'socket'],
]);

/** Of a mode with its `S_IFMT` bits. */
export function fileType(mode: number): FileType {
  const type = types.get(mode & constants.S_IFMT);
  if (type === undefined) throw new TypeError(`mode ${mode.toString(8)} has no file type`);
  return type;
}

export function isRegular(mode: number): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFREG;
}

export function isDirectory(mode: number): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFDIR;
}

export function isLink(mode: number): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFLNK;
}
