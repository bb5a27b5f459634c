import { isTbuildError, TbuildError } from '../../errors.ts';
import { openOciLayout, parseLayoutReference } from '../../image/oci-layout.ts';
import { readImageConfig } from '../../image/read-image.ts';
import { parseImageConfig } from '../../oci/config.ts';
import type { ImageConfig } from '../../oci/config.ts';
import { parseReference } from '../../oci/reference.ts';
import { createRegistryClient } from '../../registry/client.ts';
import { withNearStage } from '../base-image.ts';
import type { BaseRequest } from '../base-image.ts';
import type { BuildAccess } from '../access.ts';

type ConfigRequest = Omit<BaseRequest, 'onProgress' | 'stage'>;

/** The config of an image that a stage starts from: the one that a build would take, of which nothing more is fetched, and nothing kept. */
export async function readBaseConfig(access: BuildAccess, request: ConfigRequest): Promise<ImageConfig> {
  try {
    return await read(access, request);
  } catch (error) {
    throw placed(withNearStage(error, request), request);
  }
}

async function read(access: BuildAccess, request: ConfigRequest): Promise<ImageConfig> {
  const context = access.options.buildContexts.find(request.name);
  switch (context?.kind) {
    case 'directory':
    case 'git':
    case 'url':
      return emptyConfig(request);
    case 'oci-layout': {
      const { configBytes } = await openOciLayout(parseLayoutReference(context.reference), request.platform);
      return parseImageConfig(configBytes);
    }
    case 'image':
      if (context.reference === 'scratch') return emptyConfig(request);
      return byReference(access, context.reference, request);
    case undefined:
      return byReference(access, request.name, request);
  }
}

/** Of what brings files alone. */
function emptyConfig({ platform: { os, architecture } }: ConfigRequest): ImageConfig {
  return { os, architecture, rootfs: { type: 'layers', diff_ids: [] } };
}

async function byReference(
  { store, signal }: BuildAccess,
  name: string,
  { platform }: ConfigRequest,
): Promise<ImageConfig> {
  const known = await store.findImage(name);
  if (known !== undefined) return readImageConfig(store, known.image);
  using registry = createRegistryClient();
  return (await registry.resolveImage(parseReference(name), { platform, signal })).config;
}

function placed(error: unknown, { span }: ConfigRequest): unknown {
  if (!isTbuildError(error) || error.span !== undefined) return error;
  const { code, message, hint, details } = error;
  return new TbuildError(code, message, { hint, span, details, cause: error });
}
