import { isTbuildError, TbuildError } from '../../errors.ts';
import { openOciLayout, parseLayoutReference } from '../../image/oci-layout.ts';
import { readImageConfig } from '../../image/read-image.ts';
import { parseImageConfig } from '../../oci/config.ts';
import type { ImageConfig } from '../../oci/config.ts';
import { parseReference } from '../../oci/reference.ts';
import { createRegistryClient } from '../../registry/client.ts';
import { noDirectoryBase, withNearStage } from '../base-image.ts';
import type { BaseRequest } from '../base-image.ts';
import type { InputAccess } from '../input.ts';
import { parseNamedContext } from '../named-contexts.ts';

type ConfigRequest = Omit<BaseRequest, 'onProgress'>;

/** The config of an image that a stage starts from: the one that a build would take, of which nothing more is fetched, and nothing kept. */
export async function readBaseConfig(access: InputAccess, request: ConfigRequest): Promise<ImageConfig> {
  try {
    return await read(access, request);
  } catch (error) {
    throw placed(withNearStage(error, request), request);
  }
}

async function read(access: InputAccess, request: ConfigRequest): Promise<ImageConfig> {
  const source = access.options.buildContexts[request.name];
  const context = source === undefined ? undefined : parseNamedContext(request.name, source);
  switch (context?.kind) {
    case 'directory':
      throw noDirectoryBase(request);
    case 'oci-layout': {
      const { configBytes } = await openOciLayout(parseLayoutReference(context.reference), request.platform);
      return parseImageConfig(configBytes);
    }
    case 'image':
      return byReference(access, context.reference, request);
    case undefined:
      return byReference(access, request.name, request);
  }
}

async function byReference(
  { store, signal }: InputAccess,
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
