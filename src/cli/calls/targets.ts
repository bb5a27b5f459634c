import { targets } from '../../index.ts';
import type { Target } from '../../index.ts';
import type { CallMethod } from './call.ts';
import { formatColumns, formatJson } from './layout.ts';

/** `--call=targets` */
export const targetsCall: CallMethod = async (options, format) => {
  const found = await targets(options);
  const rows = found.targets.map((target) => [title(target), target.description ?? '']);
  const text = format === 'json' ? formatJson(found) : formatColumns([['TARGET', 'DESCRIPTION'], ...rows], 1);
  return { text, status: 0 };
};

function title({ name, default: isDefault }: Target): string {
  if (name === undefined) return isDefault === true ? '(default)' : '';
  return isDefault === true ? `${name} (default)` : name;
}
