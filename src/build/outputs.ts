import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { TbuildError } from '../errors.ts';

/** What is made beside the image in the store. */
export type Output =
  /** An OCI archive (image-layout in a tar). */
  | { readonly type: 'oci'; readonly destination: string | Writable }
  /** An archive as `docker save` makes it, with the build's tags; undefined: into the Docker or Podman of this machine. */
  | { readonly type: 'docker'; readonly destination: string | Writable | undefined }
  /** The root file system as a tar. */
  | { readonly type: 'tar'; readonly destination: string | Writable }
  /** The root file system in a directory, which is made, or must be empty. */
  | { readonly type: 'local'; readonly destination: string };

/** It goes to the Docker or Podman of this machine. */
export function needsEngine({ type, destination }: Output): boolean {
  return type === 'docker' && destination === undefined;
}

/** Reads docker's `type=oci,dest=PATH`; a bare `PATH` is `type=local,dest=PATH`, a bare `-` is `type=tar,dest=-`. Throws TBUILD_USAGE, and TBUILD_UNSUPPORTED for what would be pushed. */
export function parseOutput(text: string, stdout: Writable): Output {
  if (text === '-') return { type: 'tar', destination: stdout };
  if (!text.includes('=')) return { type: 'local', destination: resolve(text) };
  if (/(?:^|,)type=(?:image|registry)(?:,|$)/.test(text)) throw notPushed(text);
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    if (equals < 0 || !['type', 'dest'].includes(key))
      throw malformed(text, `${JSON.stringify(part)} is not known; type= and dest= are`);
    if (fields.has(key)) throw malformed(text, `${key}= is there twice`);
    fields.set(key, part.slice(equals + 1));
  }
  const type = fields.get('type');
  const given = fields.get('dest');
  if (type === 'docker' && given === undefined) return { type, destination: undefined };
  const dest = given ?? (type === 'local' ? undefined : '-');
  if (type !== 'oci' && type !== 'docker' && type !== 'tar' && type !== 'local')
    throw malformed(text, `type must be oci, docker, tar or local`);
  if (dest === undefined || dest === '') throw malformed(text, 'dest= is missing');
  if (type === 'local') {
    if (dest === '-') throw malformed(text, 'a directory cannot be written to standard output; use type=tar');
    return { type, destination: resolve(dest) };
  }
  return { type, destination: dest === '-' ? stdout : resolve(dest) };
}

function notPushed(text: string): TbuildError {
  return new TbuildError('TBUILD_UNSUPPORTED', `--output ${JSON.stringify(text)}: pushing is not supported yet`, {
    hint: 'the image is in the store; write --output type=oci,dest=app.tar and push that: skopeo copy oci-archive:app.tar docker://…',
  });
}

function malformed(text: string, why: string): TbuildError {
  return new TbuildError('TBUILD_USAGE', `--output ${JSON.stringify(text)}: ${why}`, {
    hint: 'for example --output type=oci,dest=app.tar or --output type=local,dest=rootfs',
  });
}
