import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { TbuildError } from '../errors.ts';

/** What `--build-context NAME=…` gives. */
export type NamedContext =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'oci-layout'; readonly path: string; readonly reference: string | undefined }
  | { readonly kind: 'image'; readonly reference: string };

export function parseNamedContext(name: string, source: string): NamedContext {
  if (source.startsWith('docker-image://')) return { kind: 'image', reference: source.slice('docker-image://'.length) };
  if (source.startsWith('oci-layout://')) return ociLayout(source.slice('oci-layout://'.length));
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source) || source.startsWith('git@')) {
    throw new TbuildError('TBUILD_UNSUPPORTED', `--build-context ${name}=${source}: only directories, oci-layout:// and docker-image:// are supported`);
  }
  const path = resolve(source);
  if (existsSync(path) && statSync(path).isDirectory()) return { kind: 'directory', path };
  throw new TbuildError('TBUILD_CONTEXT', `--build-context ${name}=${source}: ${path} is not a directory`);
}

/** `PATH[:tag][@digest]`; a colon in the path itself is told apart by there being such a directory. */
function ociLayout(text: string): NamedContext {
  const at = text.indexOf('@');
  if (at >= 0) return { kind: 'oci-layout', path: resolve(text.slice(0, at)), reference: text.slice(at + 1) };
  const colon = text.lastIndexOf(':');
  if (colon < 0 || text.indexOf('/', colon) >= 0 || existsSync(text)) return { kind: 'oci-layout', path: resolve(text), reference: undefined };
  return { kind: 'oci-layout', path: resolve(text.slice(0, colon)), reference: text.slice(colon + 1) };
}
