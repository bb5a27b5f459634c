import type { Descriptor } from '../oci/descriptor.ts';
import type { Reference } from '../oci/reference.ts';
import { createFetcher } from './fetcher.ts';
import { openBlob } from './open-blob.ts';
import type { OpenBlobOptions } from './open-blob.ts';
import { resolveImage } from './resolve-image.ts';
import type { ResolvedImage, ResolveOptions } from './resolve-image.ts';
import { createTransport } from '../http/transport.ts';

/** Reads images from any registry of the distribution spec, anonymously. Holds connections and tokens until it is disposed. */
export interface RegistryClient extends Disposable {
  /** Manifest and config for a platform, verified. */
  resolveImage(reference: Reference, options: ResolveOptions): Promise<ResolvedImage>;
  /** A layer's bytes, verified unless the caller does. */
  openBlob(reference: Reference, descriptor: Descriptor, options?: OpenBlobOptions): AsyncIterable<Buffer>;
}

export interface RegistryClientOptions {
  /** Milliseconds without a byte until a connection counts as dead. @default 30,000 */
  readonly stallMs?: number;
  /** Milliseconds before the second try of a request; doubles with each. @default 500 */
  readonly retryDelayMs?: number;
  /** Certificate authorities (PEM) to trust beside Node's own. @default those of NODE_EXTRA_CA_CERTS */
  readonly ca?: readonly string[];
}

export function createRegistryClient(options: RegistryClientOptions = {}): RegistryClient {
  const { stallMs = 30_000, retryDelayMs = 500, ca } = options;
  const transport = createTransport({ stallMs, ca });
  const fetcher = createFetcher(transport, { retryDelayMs });
  return {
    resolveImage: (reference, resolveOptions) => resolveImage(fetcher, reference, resolveOptions),
    openBlob: (reference, descriptor, blobOptions) =>
      openBlob({ fetcher, retryDelayMs }, reference, descriptor, blobOptions),
    [Symbol.dispose]: () => transport.close(),
  };
}
