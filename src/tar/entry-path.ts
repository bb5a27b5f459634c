import { archiveError } from './archive-error.ts';

/**
 * The components of a member name or hard link target, cleaned lexically as docker's reader does (Go `filepath.Clean`): `./`, doubled slashes and a leading slash do not count, `a/../b` is
 * `b`. No components: the root. Throws TBUILD_ARCHIVE for a name that leaves the root, and for a component over 255 bytes.
 */
export function cleanPath(name: string): readonly string[] {
  const components: string[] = [];
  for (const component of name.split('/')) {
    if (component === '' || component === '.') continue;
    if (component !== '..') {
      checkComponent(component, name);
      components.push(component);
    } else if (components.pop() === undefined && !name.startsWith('/')) {
      throw archiveError(`${showPath(name)} leads out of the archive's root`, {
        hint: 'The archive is hostile or was made by a faulty program; nothing of this entry was written.',
      });
    }
  }
  return components;
}

/** The kernel's NAME_MAX. */
export function checkComponent(component: string, name: string): void {
  if (component.length > 255 || (component.length > 85 && Buffer.byteLength(component) > 255)) {
    throw archiveError(`${showPath(name)}: a component is longer than 255 bytes`);
  }
}

export function showPath(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}
