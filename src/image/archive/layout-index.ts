import { canonicalJson } from '../../oci/canonical-json.ts';
import { mediaTypes } from '../../oci/descriptor.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { formatReference, parseReference } from '../../oci/reference.ts';
import type { ImageRecord } from '../../store/types.ts';

export interface IndexedImage {
  readonly image: ImageRecord;
  readonly manifest: Descriptor;
  /** One entry for each; none: one without a name. */
  readonly names: readonly string[];
}

/** `index.json` of a layout, as docker writes it. Pure. */
export function layoutIndex(images: readonly IndexedImage[]): Buffer {
  const manifests = images.flatMap(indexEntries);
  return Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }));
}

function indexEntries({ image, manifest, names }: IndexedImage): readonly object[] {
  const { os, architecture, variant } = image.platform;
  const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) };
  const { mediaType, digest, size } = manifest;
  const created = image.created === undefined ? {} : { 'org.opencontainers.image.created': image.created };
  const entry = (annotations: Readonly<Record<string, string>>): object => ({
    mediaType,
    digest,
    size,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    platform,
  });
  const named = [...new Set(names.map((name) => formatReference(parseReference(name))))].map((name) =>
    entry({
      'io.containerd.image.name': name,
      ...created,
      'org.opencontainers.image.ref.name': parseReference(name).tag ?? 'latest',
    }),
  );
  return named.length === 0 ? [entry(created)] : named;
}
