import { readdirSync, renameSync } from 'node:fs';
import { TbuildError } from '../errors.ts';
import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import {
  familiarReference,
  familiarRepository,
  formatReference,
  parseReference,
  repositoryName,
} from '../oci/reference.ts';
import { writeFileAtomic, writeNewFile } from '../util/atomic-write.ts';
import { ioError } from '../util/io-error.ts';
import { hasBlob } from './blobs.ts';
import type { StoreContext } from './context.ts';
import { readSealedJson, sealJson } from './guarded.ts';
import type { Layers } from './layers.ts';
import { markSynced } from './sync-mark.ts';
import type { ImageRecord, NamedImage } from './types.ts';
import { removeFile } from '../util/remove-file.ts';

interface NameRecord {
  readonly name: string;
  readonly id: Digest;
}

/** Undefined when absent or torn. */
export function readImage({ paths, checksum }: StoreContext, id: Digest): ImageRecord | undefined {
  return readSealedJson(paths.image(id), checksum) as ImageRecord | undefined;
}

/** Sorted by name. */
export function listNames({ paths, checksum }: StoreContext): readonly NameRecord[] {
  const directory = paths.inside('images/names');
  return readdirSync(directory)
    .map((file) => readSealedJson(`${directory}/${file}`, checksum) as NameRecord | undefined)
    .filter((record) => record !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function listImageIds({ paths }: StoreContext): readonly Digest[] {
  return readdirSync(paths.inside('images/sha256'))
    .map((hex) => `sha256:${hex}`)
    .filter(isDigest)
    .sort();
}

export function listImages(context: StoreContext): readonly NamedImage[] {
  const names = listNames(context);
  const images = listImageIds(context).map((id) => readImage(context, id));
  return images
    .filter((image) => image !== undefined)
    .flatMap((image): NamedImage[] => {
      const own = names.filter(({ id }) => id === image.id);
      return own.length === 0 ? [{ name: undefined, image }] : own.map(({ name }) => ({ name, image }));
    });
}

/** By id, then by name, then by the beginning of an id (at least 4 digits), as docker does. */
export function findImage(context: StoreContext, nameOrId: string): NamedImage | undefined {
  const id = nameOrId.startsWith('sha256:') ? nameOrId : `sha256:${nameOrId}`;
  if (isDigest(id)) return withName(context, id);
  const named = findByName(context, nameOrId);
  if (named !== undefined) return named;
  const digits = id.slice('sha256:'.length);
  return /^[0-9a-f]{4,63}$/.test(digits) ? findByPrefix(context, digits) : undefined;
}

function withName(context: StoreContext, id: Digest): NamedImage | undefined {
  const image = readImage(context, id);
  return image && { name: listNames(context).find((record) => record.id === id)?.name, image };
}

function findByName(context: StoreContext, text: string): NamedImage | undefined {
  const reference = parseReference(text);
  const name = formatReference(reference);
  const record = readName(context, name);
  if (record !== undefined) {
    const image = readImage(context, record.id);
    if (image === undefined) throw brokenImage(name, record.id);
    return { name, image };
  }
  if (reference.digest === undefined) return undefined;
  const pulled = `${repositoryName(reference)}@${reference.digest}`;
  return listImages(context).find(({ image }) => image.repoDigests.includes(pulled));
}

function findByPrefix(context: StoreContext, digits: string): NamedImage | undefined {
  const [found, another] = listImageIds(context).filter((id) => id.startsWith(`sha256:${digits}`));
  if (found === undefined) return undefined;
  if (another === undefined) return withName(context, found);
  throw new TbuildError('TBUILD_REFERENCE', `the image id ${digits} is ambiguous: it fits ${found} and ${another}`, {
    hint: 'give more digits of the id',
  });
}

export function putImage(context: StoreContext, image: ImageRecord): Promise<void> {
  const { gc, leases, session, paths, checksum } = context;
  return gc.run('shared', () => {
    leases.add('image', [image.id]);
    writeFileAtomic(paths.image(image.id), session.newPath('image'), [sealJson(image, checksum)]);
  });
}

export interface Tagging {
  readonly id: Digest;
  readonly names: readonly string[];
  readonly layers: Layers;
}

/** Moves nothing, and so syncs nothing, when the names point at the image already. */
export async function tagImage(context: StoreContext, { id, names, layers }: Tagging): Promise<void> {
  const { addon, gc, leases, paths, session, checksum, unsynced } = context;
  const image = requireImage(context, id);
  const moving = [...new Set(names.map(tagName))].filter((name) => readName(context, name)?.id !== id);
  if (moving.length === 0) return;
  await gc.run('shared', () => {
    leases.add('image', [id]);
    requireImage(context, id);
  });
  // Leasing notes what is whole and not marked yet, also of what other processes made.
  await layers.lease(image.chain.map(({ layer }) => layer));
  for (const blob of [id, image.manifest?.digest]) if (blob !== undefined) await hasBlob(context, blob);
  // The new name files are written before the sync and only renamed after it.
  const moves = moving.map((name) => {
    const temporary = session.newPath('name');
    writeNewFile(temporary, [sealJson({ name, id } satisfies NameRecord, checksum)]);
    return { temporary, path: paths.imageName(name) };
  });
  const marks = unsynced.take();
  await addon.syncFilesystem(gc.fd());
  for (const mark of marks) markSynced(mark);
  await gc.run('shared', () => {
    requireImage(context, id);
    for (const { temporary, path } of moves) rename(temporary, path);
  });
}

export function untagImage(context: StoreContext, text: string): Promise<void> {
  const name = formatReference(parseReference(text));
  return context.gc.run('shared', () => {
    if (readName(context, name) === undefined) throw notFound(text);
    removeFile(context.paths.imageName(name));
  });
}

export function removeImage(context: StoreContext, id: Digest): Promise<void> {
  return context.gc.run('exclusive', () => {
    const names = listNames(context).filter((record) => record.id === id);
    if (names.length > 0) {
      const list = names.map(({ name }) => familiarReference(parseReference(name))).join(', ');
      throw new TbuildError('TBUILD_IMAGE_IN_USE', `the image ${id} has a name: ${list}`, {
        hint: `remove its name first: tbuild rmi ${list.split(', ')[0]}`,
      });
    }
    requireImage(context, id);
    removeFile(context.paths.image(id));
  });
}

function readName({ paths, checksum }: StoreContext, name: string): NameRecord | undefined {
  return readSealedJson(paths.imageName(name), checksum) as NameRecord | undefined;
}

function tagName(text: string): string {
  const reference = parseReference(text);
  if (familiarRepository(reference) === 'sha256') {
    throw new TbuildError('TBUILD_REFERENCE', `${text}: a name that begins like a digest cannot be given to an image`, {
      hint: 'choose another name',
    });
  }
  if (reference.digest === undefined) return formatReference(reference);
  throw new TbuildError('TBUILD_REFERENCE', `${text}: a name with a digest cannot be given to an image`, {
    hint: 'leave out the part from @ on',
  });
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    throw ioError(error, 'move the image name', to);
  }
}

function requireImage(context: StoreContext, id: Digest): ImageRecord {
  const image = readImage(context, id);
  if (image === undefined) throw notFound(id);
  return image;
}

function notFound(name: string): TbuildError {
  return new TbuildError('TBUILD_IMAGE_NOT_FOUND', `the store has no image ${name}`, {
    hint: '`tbuild images` lists what there is',
  });
}

function brokenImage(name: string, id: Digest): TbuildError {
  return new TbuildError('TBUILD_STORE_CORRUPT', `the image ${name} points at ${id}, which is damaged or missing`, {
    hint: 'build or pull it again, or remove the name with `tbuild rmi`',
    details: { name, id },
  });
}
