import { dirname } from 'node:path/posix';
import { archiveError } from '../../tar/archive-error.ts';
import { cleanPath, showPath } from '../../tar/entry-path.ts';
import type { TarEntry } from '../../tar/read-tar.ts';

/** The files of an archive of images by their paths in it; `T` is where their bytes are. */
export interface Members<T> {
  /** Obligation: in the order of the archive. Throws TBUILD_ARCHIVE for a name that leads out, a second file of the same name, and too many. */
  add(entry: TarEntry, file: () => T | Promise<T>): Promise<void>;
  /** Links of the archive are followed inside it. Undefined: there is nothing. Throws TBUILD_ARCHIVE for what is no file, or leads out or in a circle. */
  find(path: string): T | undefined;
}

type Member<T> =
  | { readonly kind: 'file'; readonly file: T }
  /** Path of the target, as `add` keeps paths. */
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'other'; readonly type: string };

/** Far beyond any real archive: three for each layer, in ten thousand images. */
const mostMembers = 100_000;
const mostLinks = 16;

export function openMembers<T>(): Members<T> {
  const members = new Map<string, Member<T>>();
  return {
    async add(entry, file) {
      const path = cleanPath(entry.path).join('/');
      if (entry.type === 'directory') return;
      // docker and podman would each take another one of the two.
      if (members.has(path)) throw archiveError(`the archive has ${showPath(entry.path)} twice`);
      if (members.size === mostMembers) throw archiveError(`the archive has more than ${mostMembers} files`);
      members.set(path, await memberOf(entry, path, file));
    },
    find(wanted) {
      let path = cleanPath(wanted).join('/');
      for (let links = 0; ; links++) {
        const member = members.get(path);
        if (member === undefined) return undefined;
        if (member.kind === 'file') return member.file;
        if (member.kind === 'other') throw archiveError(`${showPath(path)} in the archive is a ${member.type}`);
        if (links === mostLinks) throw archiveError(`the links of ${showPath(wanted)} in the archive lead in a circle`);
        path = cleanPath(member.target).join('/');
      }
    },
  };
}

async function memberOf<T>({ type, linkname }: TarEntry, path: string, file: () => T | Promise<T>): Promise<Member<T>> {
  switch (type) {
    case 'file':
      return { kind: 'file', file: await file() };
    case 'symlink':
      return { kind: 'link', target: linkname.startsWith('/') ? linkname : `${dirname(path)}/${linkname}` };
    case 'hardlink':
      return { kind: 'link', target: linkname };
    default:
      return { kind: 'other', type };
  }
}
