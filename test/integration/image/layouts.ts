import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from './workbench.ts';

/** A tar made by the machine's own tar of a directory that `script` fills. */
export function tarOf(directory: string, name: string, script: string): Buffer {
  const root = join(directory, name);
  mkdirSync(root, { recursive: true });
  run('sh', ['-euc', script], { cwd: root });
  return run('tar', ['-c', '--xattrs', '--xattrs-include=*', '--sort=name', '--format=posix', '-C', root, '.']);
}

export interface LayoutOptions {
  readonly tag?: string;
  readonly architecture?: string;
  readonly config?: object;
  /** Changes the documents before they are written, to make broken layouts. */
  readonly diffIds?: (ids: readonly string[]) => readonly string[];
  readonly blob?: (bytes: Buffer) => Buffer;
}

/** Writes an OCI layout with one image. Gives the digest of its manifest. */
export function writeLayout(directory: string, layers: readonly Buffer[], options: LayoutOptions = {}): string {
  const { tag, architecture = 'amd64', config = {}, diffIds = (ids) => ids, blob = (bytes) => bytes } = options;
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
  const put = (
    bytes: Buffer,
    mediaType: string,
    stored = bytes,
  ): { mediaType: string; digest: string; size: number } => {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    writeFileSync(join(directory, 'blobs/sha256', digest.slice(7)), stored);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const layerDescriptors = layers.map((tar) => {
    const packed = gzipSync(tar);
    return put(packed, 'application/vnd.oci.image.layer.v1.tar+gzip', blob(packed));
  });
  const ids = layers.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`);
  const image = {
    architecture,
    os: 'linux',
    created: '2020-01-02T03:04:05Z',
    config,
    rootfs: { type: 'layers', diff_ids: diffIds(ids) },
    history: layers.map((_, index) => ({ created: '2020-01-02T03:04:05Z', created_by: `layer ${index}` })),
  };
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = put(
    json({
      schemaVersion: 2,
      mediaType: manifestType,
      config: put(json(image), 'application/vnd.oci.image.config.v1+json'),
      layers: layerDescriptors,
    }),
    manifestType,
  );
  const annotations = tag === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': tag } };
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(directory, 'index.json'),
    json({ schemaVersion: 2, manifests: [{ ...manifest, ...annotations }] }),
  );
  return manifest.digest;
}
