import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

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

/** Jobs and blobs in a store's `tmp/`, as `SESSION/job-1`. Sessions have random names, in which any word may stand. */
export function inFlight(root: string): readonly string[] {
  const paths = readdirSync(join(root, 'tmp'), { recursive: true }).map(String);
  return paths.filter((path) => /^[^/]+\/(?:job|blob)-[^/]+$/.test(path));
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed since it was listed.
    return '';
  }
}
