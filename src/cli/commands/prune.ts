import { parseUntil, prune, TbuildError } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { confirm } from '../confirm.ts';
import { formatSize } from '../ui/format.ts';

const spec: CommandSpec = {
  name: 'prune',
  usage: 'tbuild prune [OPTIONS]',
  summary: 'Remove what no image, cache record or running build needs',
  details:
    'Safe while builds run: what they use stays. On a terminal it asks first; in a script it does not.\n\nExample: tbuild prune --all --filter until=24h removes what was not used for a day.',
  positionals: { min: 0, max: 0 },
  options: {
    all: { type: 'boolean', short: 'a', help: 'Also cache mounts, cache records and layers that no named image uses' },
    filter: {
      type: 'string',
      multiple: true,
      value: 'until=TIME',
      help: 'Only what was neither made nor used since: a duration (24h) or a time',
    },
    force: { type: 'boolean', short: 'f', help: 'Do not ask' },
    'dry-run': { type: 'boolean', help: 'Only say what would go' },
    json: { type: 'boolean', help: 'The result as JSON' },
  },
};

export const command: Command = {
  spec,
  async run(args, terminal) {
    const { stdout, signal } = terminal;
    const [dryRun, all] = [args.flag('dry-run'), args.flag('all')];
    const unusedSince = parseFilter(args.strings('filter'));
    if (!dryRun && !args.flag('force') && !(await confirm(warning(all), terminal))) return 0;
    const result = await prune({ storeRoot: args.string('store'), all, unusedSince, dryRun, signal });
    if (args.flag('json')) {
      stdout.write(`${JSON.stringify(result)}\n`);
      return 0;
    }
    const verb = dryRun ? 'Would remove' : 'Removed';
    for (const { id, size } of result.layers) stdout.write(`${verb} layer ${id.slice(0, 12)} (${formatSize(size)})\n`);
    for (const { digest, size } of result.blobs) stdout.write(`${verb} blob ${digest} (${formatSize(size)})\n`);
    for (const { id, size } of result.mounts) stdout.write(`${verb} cache mount ${id} (${formatSize(size)})\n`);
    for (const id of result.images) stdout.write(`${verb} image ${id}\n`);
    for (const id of result.containers) stdout.write(`${verb} container ${id}\n`);
    if (result.records > 0) stdout.write(`${verb} ${result.records} cache records\n`);
    stdout.write(`Total reclaimed space: ${formatSize(result.reclaimed)}\n`);
    return 0;
  },
};

function warning(all: boolean): string {
  const what = 'images without a name, what ended containers left, and layers that nothing needs';
  return `WARNING! This will remove ${what}${all ? ', cache mounts, and the cache that no named image has' : ''}.`;
}

function parseFilter(filters: readonly string[]): Date | undefined {
  const [filter, another] = filters;
  if (filter === undefined) return undefined;
  if (another !== undefined) throw new TbuildError('TBUILD_USAGE', 'more than one --filter');
  if (filter.startsWith('until=')) return parseUntil(filter.slice('until='.length));
  throw new TbuildError('TBUILD_USAGE', `--filter ${JSON.stringify(filter)} is not known; until=TIME is`);
}
