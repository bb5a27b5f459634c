import { readdirSync, readlinkSync } from 'node:fs';

/** Targets of this process's open descriptors, sorted; those that come and go with the runtime itself (pipes, sockets, event loop) left out. */
function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => linkTarget(`/proc/self/fd/${fd}`))
    .filter((target) => target.startsWith('/') && !target.startsWith('/proc/') && !target.startsWith('/dev/'))
    .sort();
}

/** Open descriptors of files below a directory. */
export function openFilesBelow(directory: string): readonly string[] {
  return openFiles().filter((target) => target.startsWith(directory));
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed since it was listed.
    return '';
  }
}
