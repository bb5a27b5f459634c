import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Where to measure. As root a fresh ext4 with a journal in a sparse file: on one without, making files soon after deleting many costs up to ten times as much, which would say more about the
 * disk than about the program. Otherwise, or with `here`, a temporary directory.
 */
export function openDisk(here) {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-bench-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  if (here || process.getuid() !== 0)
    return { path: directory, description: `the file system of ${tmpdir()}`, close: remove };
  const image = join(directory, 'disk.img');
  const path = join(directory, 'disk');
  mkdirSync(path);
  execFileSync('truncate', ['-s', '16G', image]);
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
  execFileSync('mount', ['-o', 'loop', image, path]);
  return {
    path,
    description: 'a journaled ext4 in a file',
    close() {
      execFileSync('umount', [path]);
      remove();
    },
  };
}
