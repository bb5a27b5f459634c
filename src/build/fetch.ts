import { bringIn } from '../image/bring-in.ts';
import type { LayerProgress } from '../image/fetch-layers.ts';
import { openOciLayout } from '../image/oci-layout.ts';
import type { LayoutReference } from '../image/oci-layout.ts';

export { parseLayoutReference } from '../image/oci-layout.ts';
import { pullImage } from '../image/pull.ts';
import type { Reference } from '../oci/reference.ts';
import type { ImageRecord } from '../store/types.ts';
import type { BaseRequest } from './base-image.ts';
import { warnOfDevices } from './omitted-devices.ts';
import type { Session } from './session.ts';

/** Pulls an image into the store under its name. */
export async function pullInto(
  session: Session,
  request: BaseRequest & { readonly reference: Reference; readonly fullName: string },
): Promise<ImageRecord> {
  const { store, helper, signal } = session;
  const { image, omissions } = await pullImage({
    store,
    helper,
    signal,
    reference: request.reference,
    platform: request.platform,
    onProgress: telling(request),
  });
  warnOfDevices(session.emit, omissions, { origin: request.name, span: request.span });
  // By digest it is found through what the image remembers of its registry.
  if (request.reference.digest === undefined) await store.tag(image.id, [request.fullName]);
  return image;
}

/** Brings the image of an OCI layout into the store, without a name. */
export async function importOciLayout(
  session: Session,
  layout: LayoutReference,
  request: BaseRequest,
): Promise<ImageRecord> {
  const { store, helper, signal } = session;
  const { image, omissions } = await bringIn(
    { store, helper, signal },
    await openOciLayout(layout, request.platform),
    telling(request),
  );
  warnOfDevices(session.emit, omissions, { origin: request.name, span: request.span });
  return image;
}

/** What the store had already takes no time. */
function telling({ onProgress }: BaseRequest): (progress: LayerProgress) => void {
  return ({ blob, phase, current, total }) => {
    if (phase !== 'exists') onProgress(blob, current, total);
  };
}
