import { TbuildError } from '../errors.ts';
import type { ErrorOptions } from '../errors.ts';
import { describeFailure } from '../http/failure.ts';

/** A failure of the connection: `error` is what Node's http reported. Credentials and queries of the URL are not shown. */
export function connectionError(url: URL, error: unknown): TbuildError {
  const { text, hint, errno } = describeFailure(error, 'the registry');
  return registryError(`${url.host}: ${text}`, { cause: error, hint, details: { host: url.host, errno } });
}

export function registryError(message: string, options?: ErrorOptions): TbuildError {
  return new TbuildError('TBUILD_REGISTRY', message, options);
}
