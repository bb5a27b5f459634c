import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { TbuildError } from '../errors.ts';
import { ioError } from '../util/io-error.ts';
import { readSmallFile } from '../util/small-file.ts';
import { lockFiles, storeDirectories } from './paths.ts';
import { uniqueName } from '../util/unique-name.ts';

/** The store's format. Raised when a store of this program could not be read by the one before, or the other way round. */
export const formatVersion = 1;

/** `$TBUILD_STORE`; without it `/var/lib/tbuild` as root and `$XDG_DATA_HOME/tbuild` (`~/.local/share/tbuild`) otherwise. */
export function defaultRoot(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env['TBUILD_STORE'];
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  if (process.geteuid?.() === 0) return '/var/lib/tbuild';
  const data = env['XDG_DATA_HOME'];
  // The XDG base directory specification: a relative path is invalid and to be ignored.
  return join(data !== undefined && isAbsolute(data) ? data : join(homedir(), '.local/share'), 'tbuild');
}

/** Makes the store where there is none, and refuses one that this program cannot use. */
export function prepareRoot(root: string): void {
  const version = readSmallFile(join(root, 'version'))?.toString('latin1').trim();
  if (version === undefined) return createStore(root);
  if (version === String(formatVersion)) return refuseForeignOwner(root);
  if (!/^[0-9]{1,9}$/.test(version)) {
    throw new TbuildError('TBUILD_STORE_CORRUPT', `${join(root, 'version')} is not a format number`, {
      hint: `if ${root} is a tbuild store, remove it; it will be made anew`,
    });
  }
  const isNewer = Number(version) > formatVersion;
  throw new TbuildError(
    'TBUILD_STORE_VERSION',
    `the store ${root} has format ${version}; this tbuild uses format ${formatVersion}`,
    {
      hint: isNewer
        ? 'use the newer tbuild that made it, or give another directory with --store or TBUILD_STORE'
        : 'remove it, or give another directory with --store or TBUILD_STORE',
      details: { root, version: Number(version) },
    },
  );
}

function createStore(root: string): void {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    refuseForeignOwner(root);
    refuseForeignDirectory(root);
    for (const directory of storeDirectories) mkdirSync(join(root, directory), { recursive: true, mode: 0o700 });
    // There from the start, so that prune needs no new file on a full disk.
    for (const lock of lockFiles) writeFileSync(join(root, lock), '', { mode: 0o600, flag: 'a' });
    writeVersion(root);
  } catch (error) {
    throw ioError(error, 'make the store', root);
  }
}

/** Whoever owns the directory, or may write into it, chooses what the cache answers: somebody else's in /tmp, say, would put their files into the images built here. */
function refuseForeignOwner(root: string): void {
  const { uid, mode } = statSync(root);
  const isOwn = uid === process.geteuid?.() || uid === 0;
  if (isOwn && (mode & 0o002) === 0) return;
  throw new TbuildError(
    'TBUILD_USAGE',
    isOwn ? `everybody may write into the store ${root}` : `the store ${root} belongs to another user (${uid})`,
    {
      hint: isOwn
        ? 'close it with `chmod o-w`, or give another directory with --store or TBUILD_STORE'
        : 'give a directory of your own with --store or TBUILD_STORE; a new one below it would do',
      details: { root, uid, mode },
    },
  );
}

/** Somebody's home directory as TBUILD_STORE must not be filled and pruned. What an interrupted creation left behind is fine. */
function refuseForeignDirectory(root: string): void {
  const own = new Set([...storeDirectories.map((path) => path.split('/')[0]), ...lockFiles, 'lost+found']);
  const foreign = readdirSync(root).find((name) => !own.has(name) && !name.startsWith('version'));
  if (foreign === undefined) return;
  throw new TbuildError('TBUILD_USAGE', `${root} is not a tbuild store and not empty (it has ${foreign})`, {
    hint: 'give a new or empty directory with --store or TBUILD_STORE',
  });
}

/** Last, and synced this once: a directory with a version file is a whole store. */
function writeVersion(root: string): void {
  const temporary = join(root, `version.${uniqueName()}`);
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(fd, `${formatVersion}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, join(root, 'version'));
}
