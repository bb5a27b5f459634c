import { expect, test } from 'vitest';
import { mediaTypes } from '../../../src/oci/descriptor.ts';
import { maxManifestSize, parseManifest } from '../../../src/oci/manifest.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const config = { mediaType: mediaTypes.ociConfig, digest, size: 2 };
const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: 10 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: [
    {
      mediaType: mediaTypes.ociManifest,
      digest,
      size: 3,
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
    },
  ],
};

const parse = (document: unknown, mediaType?: string): unknown =>
  parseManifest(Buffer.from(JSON.stringify(document)), mediaType);

test('a manifest is read with its config and layers', () => {
  expect(parse(manifest, mediaTypes.ociManifest)).toEqual({
    kind: 'manifest',
    mediaType: mediaTypes.ociManifest,
    config,
    layers: [layer],
    annotations: {},
  });
});

test('an index is read with normalised platforms', () => {
  expect(parse(index, mediaTypes.ociIndex)).toMatchObject({
    kind: 'index',
    manifests: [{ size: 3, platform: { os: 'linux', architecture: 'arm64' } }],
  });
});

test.each([undefined, 'application/json', 'text/plain'])(
  'with the header %s the document says what it is',
  (header) => {
    expect(parse(manifest, header)).toMatchObject({ kind: 'manifest' });
    expect(parse({ ...index, mediaType: undefined }, header)).toMatchObject({ kind: 'index' });
  },
);

test('an attestation entry with an unknown platform does not spoil the index', () => {
  const platform = { os: 'unknown', architecture: 'unknown' };
  const document = { ...index, manifests: [...index.manifests, { ...index.manifests[0], platform }] };
  expect(parse(document)).toMatchObject({ manifests: [{}, { platform }] });
});

test.each<[string, unknown, string | undefined]>([
  ['both layers and manifests (CVE-2021-41190)', { ...manifest, manifests: [] }, mediaTypes.ociManifest],
  ['both, announced as an index', { ...index, layers: [] }, mediaTypes.ociIndex],
  ['a media type that differs from the header', manifest, mediaTypes.ociIndex],
  [
    'the Docker type under an OCI header',
    { ...manifest, mediaType: mediaTypes.dockerManifest },
    mediaTypes.ociManifest,
  ],
  [
    'an index under a manifest header, without its own type',
    { ...index, mediaType: undefined },
    mediaTypes.ociManifest,
  ],
  ['another media type', { ...manifest, mediaType: 'text/html' }, undefined],
  ['no schemaVersion', { ...manifest, schemaVersion: undefined }, undefined],
  ['a negative size', { ...manifest, layers: [{ ...layer, size: -1 }] }, undefined],
  ['a fractional size', { ...manifest, layers: [{ ...layer, size: 1.5 }] }, undefined],
  ['a size beyond what a number can hold', { ...manifest, layers: [{ ...layer, size: 2 ** 60 }] }, undefined],
  ['a digest with a path', { ...manifest, layers: [{ ...layer, digest: 'sha256:../../x' }] }, undefined],
  ['no config', { ...manifest, config: undefined }, undefined],
  ['layers that are no list', { ...manifest, layers: {} }, undefined],
  ['a layer that is null', { ...manifest, layers: [null] }, undefined],
  ['a list at the top', [manifest], undefined],
])('%s is refused', (_name, document, header) => {
  expect(() => parse(document, header)).toThrow(expect.objectContaining({ code: 'TBUILD_MANIFEST' }));
});

test.each<[string, unknown]>([
  ['a schema 1 manifest', { schemaVersion: 1, fsLayers: [] }],
  ['an encrypted layer', { ...manifest, layers: [{ ...layer, mediaType: `${mediaTypes.ociLayerGzip}+encrypted` }] }],
  ['a foreign layer', { ...manifest, layers: [{ ...layer, urls: ['https://example.com/x'] }] }],
  ['an artifact', { ...manifest, config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } }],
])('%s is unsupported, and said so', (_name, document) => {
  expect(() => parse(document)).toThrow(expect.objectContaining({ code: 'TBUILD_UNSUPPORTED' }));
});

test('what is not JSON or not UTF-8 is refused', () => {
  for (const bytes of [Buffer.from('<html>'), Buffer.from([0x7b, 0xff, 0x7d]), Buffer.alloc(0)]) {
    expect(() => parseManifest(bytes, undefined)).toThrow(expect.objectContaining({ code: 'TBUILD_MANIFEST' }));
  }
});

test('a document over 4 MiB is refused before it is parsed', () => {
  expect(() => parseManifest(Buffer.alloc(maxManifestSize + 1), undefined)).toThrow(/4 MiB/);
});
