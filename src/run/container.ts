import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TbuildError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { Job, Store } from '../store/types.ts';

/** What is known of a container: `containers/<id>/container.json`. */
export interface ContainerRecord {
  readonly id: string;
  readonly image: Digest;
  readonly argv: readonly string[];
  /** RFC 3339 */
  readonly started: string;
  /** First process of its sandbox, in the host's PID namespace; undefined when it does not run. */
  readonly pid: number | undefined;
  /** Where its `diff` and `work` are. */
  readonly directory: string;
  readonly exitCode: number | undefined;
}

/** A running command's entry in the store. */
export interface Container {
  readonly id: string;
  running(pid: number): Promise<void>;
  /** Keeps what was written; resolves to the directory that holds it. */
  keep(exitCode: number): Promise<string>;
  forget(): Promise<void>;
}

export async function createContainer(
  store: Store,
  job: Job,
  about: { readonly image: Digest; readonly argv: readonly string[] },
): Promise<Container> {
  // The global is loaded when it is touched: an import of node:crypto would be loaded by every command.
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
  const directory = join(containersDirectory(store), id);
  const record: ContainerRecord = {
    ...about,
    id,
    started: new Date().toISOString(),
    pid: undefined,
    directory: job.path,
    exitCode: undefined,
  };
  // One after the other: a command may end before it was noted that it runs.
  let written: Promise<void> = Promise.resolve();
  const write = (changes: Partial<ContainerRecord>): Promise<void> => {
    written = written.catch(() => undefined).then(() => writeRecord(directory, { ...record, ...changes }));
    return written;
  };
  // Whole from its first moment, since nobody could tell what a process that was killed did not come to write.
  const making = join(job.path, 'container');
  await mkdir(making, { mode: 0o700 });
  await writeRecord(making, record);
  await mkdir(containersDirectory(store), { recursive: true, mode: 0o700 });
  await rename(making, directory);
  return {
    id,
    running: (pid) => write({ pid }),
    async keep(exitCode) {
      // With the directory around it: what belongs to another id, as the root of an image may, cannot be moved by an ordinary user.
      const kept = keptDirectory(directory);
      await rename(job.path, kept);
      await write({ exitCode, directory: kept });
      return join(kept, 'diff');
    },
    async forget() {
      await written.catch(() => undefined);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function writeRecord(directory: string, record: ContainerRecord): Promise<void> {
  const path = join(directory, 'container.json');
  await writeFile(`${path}.new`, `${JSON.stringify(record)}\n`);
  await rename(`${path}.new`, path);
}

/** By id or unambiguous beginning of it; undefined when there is none. */
export async function findContainer(store: Store, name: string): Promise<ContainerRecord | undefined> {
  if (!/^[0-9a-f]{4,64}$/.test(name)) return undefined;
  const matches = (await listContainers(store)).filter(({ id }) => id.startsWith(name));
  if (matches.length > 1) throw new TbuildError('TBUILD_USAGE', `several containers have ids that begin with ${name}`);
  return matches[0];
}

export async function listContainers(store: Store): Promise<readonly ContainerRecord[]> {
  const ids = await readdir(containersDirectory(store)).catch(() => []);
  const records = await Promise.all(ids.map((id) => readRecord(store, id)));
  return records.filter((record) => record !== undefined);
}

/** A running one, and one that is about to, has its job's directory, which is locked; when its process dies, the directory goes at the next opening of the store. */
export function isEnded({ exitCode, directory }: ContainerRecord): boolean {
  return exitCode !== undefined || !existsSync(directory);
}

async function readRecord(store: Store, id: string): Promise<ContainerRecord | undefined> {
  try {
    const record = JSON.parse(
      await readFile(join(containersDirectory(store), id, 'container.json'), 'utf8'),
    ) as ContainerRecord;
    return record.pid !== undefined && record.exitCode === undefined && !isAlive(record.pid)
      ? { ...record, pid: undefined }
      : record;
  } catch {
    // It is being removed.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Where what an ended container changed is kept, of the container's directory. */
export function keptDirectory(container: string): string {
  return join(container, 'kept');
}

export function containersDirectory(store: Store): string {
  return join(store.root, 'containers');
}
