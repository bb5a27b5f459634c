import type { FactReader } from '../cache/facts.ts';
import type { Helper } from '../native/helper-types.ts';
import { maxAccountFileBytes, resolveUser } from '../sandbox/user.ts';
import type { AccountFiles, ResolvedUser } from '../sandbox/user.ts';
import type { MergedView } from '../store/merged.ts';
import type { Store } from '../store/types.ts';

/** A chain of layers with what it takes to read files of it. */
export interface RootFiles {
  readonly view: MergedView;
  readonly store: Store;
  readonly helper: Helper;
}

/** A regular file of the image, symlinks followed inside it; undefined when absent. Fails above `max` bytes. */
export async function readRootFile(
  { view, store, helper }: RootFiles,
  path: string,
  max: number,
): Promise<Buffer | undefined> {
  const { path: physical, entry, layer } = view.resolve(path, { followLast: true });
  if (entry?.type !== 'file' || layer === undefined) return undefined;
  return helper.read({ root: store.diffDirectory(layer), path: physical, max });
}

/** `user[:group]` as the image's /etc/passwd and /etc/group know it. Throws TBUILD_USER_NOT_FOUND. */
export async function resolveRootUser(files: RootFiles, spec: string): Promise<ResolvedUser> {
  return resolveUser(spec, await readAccounts(files));
}

/**
 * `user[:group]` as an owner: a user without group, given as a number that no account has, is its own group (docker's `--chown=4` is 4:4). Files that names are looked up in become facts.
 * Throws TBUILD_USER_NOT_FOUND.
 */
export async function resolveOwner(
  files: RootFiles,
  spec: string,
  reader: FactReader,
): Promise<{ readonly uid: number; readonly gid: number }> {
  const colon = spec.indexOf(':');
  const [user, group] = colon < 0 ? [spec, undefined] : [spec.slice(0, colon), spec.slice(colon + 1)];
  const isNumeric = (text: string): boolean => /^\d+$/.test(text);
  if (isNumeric(user) && (group === undefined || group === '' || isNumeric(group))) {
    const { uid } = resolveUser(user, { passwd: undefined, group: undefined });
    // `5:` is 5:0, as docker has it.
    const gid = group === undefined ? uid : resolveUser(`0:${group}`, { passwd: undefined, group: undefined }).gid;
    return { uid, gid };
  }
  noteAccounts(files.view, reader);
  const { uid, gid } = resolveUser(spec, await readAccounts(files));
  return { uid, gid };
}

const accountPaths = ['etc/passwd', 'etc/group'];

/** Per store handle, by layer and path: every RUN asks, and a layer never changes. */
const knownAccounts = new WeakMap<Store, Map<string, Promise<string | undefined>>>();

async function readAccounts(files: RootFiles): Promise<AccountFiles> {
  const [passwd, group] = await Promise.all(accountPaths.map((path) => readAccountFile(files, path)));
  return { passwd, group };
}

function readAccountFile(files: RootFiles, path: string): Promise<string | undefined> {
  const known = knownAccounts.get(files.store) ?? new Map<string, Promise<string | undefined>>();
  knownAccounts.set(files.store, known);
  const { path: physical, layer = '' } = files.view.resolve(path, { followLast: true });
  const key = `${layer} ${physical}`;
  let reading = known.get(key);
  if (reading === undefined) {
    reading = readRootFile(files, path, maxAccountFileBytes).then((content) => content?.toString());
    known.set(key, reading);
    reading.catch(() => known.delete(key));
  }
  return reading;
}

/** Makes facts of the files that names are looked up in. */
function noteAccounts(view: MergedView, reader: FactReader): void {
  for (const path of accountPaths) noteFile(view, path, reader);
}

/** The way to the file, and its content. */
function noteFile(view: MergedView, path: string, reader: FactReader): void {
  const { path: physical, walked } = view.resolve(path, { followLast: true });
  for (const component of walked) reader.component(component.path);
  reader.content(physical);
}
