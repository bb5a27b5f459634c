import { TbuildError } from '../index.ts';
import type { UsageType } from '../index.ts';

/** The value of `--filter type=…`. Throws TBUILD_USAGE. */
export function parseUsageType(filter: string, value: string): UsageType {
  if (value === 'regular' || value === 'exec.cachemount') return value;
  throw new TbuildError('TBUILD_USAGE', `--filter ${JSON.stringify(filter)} is not known`, {
    hint: 'the types are regular (layers) and exec.cachemount (cache mounts)',
  });
}
