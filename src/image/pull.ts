import { TbuildError } from '../errors.ts';
import type { Platform } from '../oci/platform.ts';
import { familiarReference, repositoryName } from '../oci/reference.ts';
import type { Reference } from '../oci/reference.ts';
import { createRegistryClient } from '../registry/client.ts';
import type { RegistryClient } from '../registry/client.ts';
import { bringIn } from './bring-in.ts';
import type { BroughtIn, ManifestSource } from './bring-in.ts';
import type { LayerProgress } from './fetch-layers.ts';
import type { LayerAccess } from './layer-blob.ts';

export interface PullOptions extends LayerAccess {
  readonly reference: Reference;
  /** Chooses from an index. A single manifest is taken whatever its platform. */
  readonly platform: Platform;
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined;
  /** @default one of its own, for this pull */
  readonly registry?: RegistryClient | undefined;
}

/**
 * Pulls an image into the store, without giving it a name: layers that the store has are not fetched, the others come in parallel and are unpacked as they come. All digests are verified.
 * Throws what the registry client and `bringIn` throw.
 */
export async function pullImage(options: PullOptions): Promise<BroughtIn> {
  const { reference, platform, signal, onProgress } = options;
  using own = options.registry === undefined ? createRegistryClient() : undefined;
  const registry = options.registry ?? own;
  if (registry === undefined) throw new TypeError('there is a registry client either way');
  try {
    const resolved = await registry.resolveImage(reference, { platform, signal });
    const source: ManifestSource = {
      manifest: resolved.descriptor,
      manifestBytes: resolved.manifestBytes,
      configBytes: resolved.configBytes,
      repoDigests: [`${repositoryName(reference)}@${resolved.digest}`],
      layerBytes: (blob) => ({
        kind: 'transfer',
        // The blob writer verifies.
        open: (aborted, from) => registry.openBlob(reference, blob, { signal: aborted, from, verify: false }),
      }),
    };
    return await bringIn(options, source, onProgress);
  } catch (error) {
    throw named(error, reference);
  }
}

function named(error: unknown, reference: Reference): unknown {
  const name = familiarReference(reference);
  if (!(error instanceof TbuildError) || error.message.includes(name)) return error;
  const { code, hint, details } = error;
  return new TbuildError(code, `${name}: ${error.message}`, { hint, details, cause: error });
}
