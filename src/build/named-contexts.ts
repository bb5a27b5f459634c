import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { TbuildError } from '../errors.ts';

/** What `--build-context NAME=…` gives. */
export type NamedContext =
  | { readonly kind: 'directory'; readonly path: string }
  /** `PATH[:tag|@digest]` */
  | { readonly kind: 'oci-layout'; readonly reference: string }
  | { readonly kind: 'image'; readonly reference: string };

export function parseNamedContext(name: string, source: string): NamedContext {
  if (source.startsWith('docker-image://')) return { kind: 'image', reference: source.slice('docker-image://'.length) };
  if (source.startsWith('oci-layout://'))
    return { kind: 'oci-layout', reference: source.slice('oci-layout://'.length) };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source) || source.startsWith('git@')) {
    throw new TbuildError(
      'TBUILD_UNSUPPORTED',
      `--build-context ${name}=${source}: only directories, oci-layout:// and docker-image:// are supported`,
    );
  }
  const path = resolve(source);
  if (existsSync(path) && statSync(path).isDirectory()) return { kind: 'directory', path };
  throw new TbuildError('TBUILD_CONTEXT', `--build-context ${name}=${source}: ${path} is not a directory`);
}
