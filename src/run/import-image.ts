import type { Platform } from '../oci/platform.ts';
import { accessOf, withStore } from '../rootfs/open-store.ts';
import type { ImageRecord, Store } from '../store/types.ts';

export interface ImportOptions {
  /** A tar of a root file system, as it is or gzipped. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Where it comes from, for the history: a path or `-`. @default '-' */
  readonly origin?: string | undefined;
  /** `debian:trixie`; undefined: an image without a name. */
  readonly name?: string | undefined;
  /** Dockerfile instructions for the config: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR. */
  readonly changes?: readonly string[] | undefined;
  /** Comment in the history. @default `Imported from -` */
  readonly message?: string | undefined;
  /** @default the machine's */
  readonly platform?: Platform | undefined;
  readonly store?: Store | undefined;
  readonly storeRoot?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImportResult {
  readonly image: ImageRecord;
  /** Device nodes that only root can make, and that were therefore left out. */
  readonly omitted: readonly string[];
}

/** Makes a base image from the tar of a root file system, as `docker import` does. */
export async function importImage(options: ImportOptions): Promise<ImportResult> {
  const { store, storeRoot, signal } = options;
  return withStore({ store, root: storeRoot, signal }, (open) => importIn(open, options));
}

async function importIn(store: Store, options: ImportOptions): Promise<ImportResult> {
  const { source, origin = '-', name, changes = [], platform, signal } = options;
  const message = options.message ?? `Imported from ${origin}`;
  const { helper } = accessOf(store);
  const { importImage: importInto } = await import('../image/import.ts');
  const { image, omissions } = await importInto({ store, helper, signal, source, name, changes, message, platform });
  return { image, omitted: omissions.filter(({ what }) => what === 'device').map(({ path }) => path) };
}
