import { isTbuildError, TbuildError } from '../../errors.ts';
import { openOciLayout, parseLayoutReference } from '../../image/oci-layout.ts';
import { readImageConfig } from '../../image/read-image.ts';
import { parseImageConfig } from '../../oci/config.ts';
import type { ImageConfig } from '../../oci/config.ts';
import { parseReference, repositoryName } from '../../oci/reference.ts';
import { createRegistryClient } from '../../registry/client.ts';
import type { NamedImage } from '../../store/types.ts';
import { withNearStage } from '../base-image.ts';
import type { BaseRequest } from '../base-image.ts';
import type { BuildAccess } from '../access.ts';

type ConfigRequest = Omit<BaseRequest, 'onProgress' | 'stage'>;

export interface BaseConfig {
  readonly config: ImageConfig;
  /** What its name stands for in its registry: `sha256:…` of index or manifest. Undefined: not known, or it is from none. */
  readonly digest: string | undefined;
}

/** The config of an image that a stage starts from: the one that a build would take, of which nothing more is fetched, and nothing kept. */
export async function readBaseConfig(access: BuildAccess, request: ConfigRequest): Promise<BaseConfig> {
  try {
    return await read(access, request);
  } catch (error) {
    throw placed(withNearStage(error, request), request);
  }
}

async function read(access: BuildAccess, request: ConfigRequest): Promise<BaseConfig> {
  const context = access.options.buildContexts.find(request.name);
  switch (context?.kind) {
    case 'directory':
    case 'git':
    case 'url':
      return emptyConfig(request);
    case 'oci-layout': {
      const { configBytes } = await openOciLayout(parseLayoutReference(context.reference), request.platform);
      return { config: parseImageConfig(configBytes), digest: undefined };
    }
    case 'image':
      if (context.reference === 'scratch') return emptyConfig(request);
      return byReference(access, context.reference, request);
    case undefined:
      return byReference(access, request.name, request);
  }
}

/** Of what brings files alone. */
function emptyConfig({ platform: { os, architecture } }: ConfigRequest): BaseConfig {
  return { config: { os, architecture, rootfs: { type: 'layers', diff_ids: [] } }, digest: undefined };
}

async function byReference(
  { store, signal }: BuildAccess,
  name: string,
  { platform }: ConfigRequest,
): Promise<BaseConfig> {
  const known = await store.findImage(name);
  if (known !== undefined) return { config: await readImageConfig(store, known.image), digest: registryDigest(known) };
  using registry = createRegistryClient();
  const { config, digest } = await registry.resolveImage(parseReference(name), { platform, signal });
  return { config, digest };
}

function registryDigest({ name, image }: NamedImage): string | undefined {
  // One that was found by its id is in no registry under that.
  if (name === undefined || image.repoDigests.length === 0) return undefined;
  const prefix = `${repositoryName(parseReference(name))}@`;
  return image.repoDigests.find((each) => each.startsWith(prefix))?.slice(prefix.length);
}

function placed(error: unknown, { span }: ConfigRequest): unknown {
  if (!isTbuildError(error) || error.span !== undefined) return error;
  const { code, message, hint, details } = error;
  return new TbuildError(code, message, { hint, span, details, cause: error });
}
