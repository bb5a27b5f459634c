import type { TbuildError } from '../errors.ts';
import { familiarReference } from '../oci/reference.ts';
import type { Reference } from '../oci/reference.ts';
import { registryError } from './registry-error.ts';
import { accessDenied } from './token.ts';
import type { HttpResponse } from '../http/transport.ts';

/** How much of an answer that is not the content is read (bytes). */
export const maxErrorBody: number = 64 * 1024;

/** What an answer that is not the content means, in the registry's own words where it has any. */
export function statusError(
  reference: Reference,
  { url, status }: HttpResponse,
  body: Buffer | undefined,
): TbuildError {
  const name = familiarReference(reference);
  if (status === 401 || status === 403) return accessDenied(url, reference.repository);
  const said = errorTexts(body);
  if (status === 404) {
    return registryError(`${name}: not found: ${said ?? 'the registry does not have it'}`, {
      hint: `Check the spelling of the name and tag: that is the answer of ${url.host}.`,
      details: { status },
    });
  }
  const words = said === undefined ? '' : `: ${said}`;
  return registryError(`${name}: the registry ${url.host} answered with status ${status}${words}`, {
    details: { status },
  });
}

/** `{"errors":[{"code","message"}]}` of the distribution spec, in one line. */
function errorTexts(body: Buffer | undefined): string | undefined {
  try {
    const { errors } = JSON.parse(body?.toString() ?? '') as { errors?: { code?: unknown; message?: unknown }[] };
    const texts = errors?.map(({ code, message }) => String(message ?? code)).join('; ');
    // Control characters would reach the terminal.
    return texts?.replace(/[\p{Cc}\p{Cf}]/gu, '\uFFFD').slice(0, 300);
  } catch {
    return undefined;
  }
}
