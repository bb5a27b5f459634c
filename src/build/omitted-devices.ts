import type { SourceSpan } from '../errors.ts';
import type { Omission } from '../tar/layer-entries.ts';
import type { Emit } from './events.ts';

const listed = 5;

/** Warns of device nodes of an archive that an ordinary user cannot make. */
export function warnOfDevices(
  emit: Emit,
  omissions: readonly Omission[],
  { origin, span }: { readonly origin: string; readonly span: SourceSpan | undefined },
): void {
  const devices = omissions.filter(({ what }) => what === 'device').map(({ path }) => path);
  if (devices.length === 0) return;
  const some = devices.slice(0, listed).join(', ');
  const message = `${devices.length} device nodes of ${origin} were left out, which only root can make: ${some}${devices.length > listed ? ', …' : ''}`;
  emit({ type: 'warning', code: 'TBUILD_WARN_DEVICES_OMITTED', message, span });
}
