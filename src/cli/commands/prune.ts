import { prune } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { formatSize } from '../ui/format.ts';

const spec: CommandSpec = {
  name: 'prune',
  usage: 'tbuild prune [OPTIONS]',
  summary: 'Remove what no image, cache record or running build needs',
  details: 'Safe while builds run: what they use stays.',
  positionals: { min: 0, max: 0 },
  options: {
    all: { type: 'boolean', short: 'a', help: 'Also cache records and layers that no named image uses' },
    'dry-run': { type: 'boolean', help: 'Only say what would go' },
    json: { type: 'boolean', help: 'The result as JSON' },
  },
};

export const command: Command = {
  spec,
  async run(args, { stdout, signal }) {
    const dryRun = args.flag('dry-run');
    const result = await prune({ storeRoot: args.string('store'), all: args.flag('all'), dryRun, signal });
    if (args.flag('json')) {
      stdout.write(`${JSON.stringify(result)}\n`);
      return 0;
    }
    const verb = dryRun ? 'Would remove' : 'Removed';
    for (const { id, size } of result.layers) stdout.write(`${verb} layer ${id.slice(0, 12)} (${formatSize(size)})\n`);
    for (const { digest, size } of result.blobs) stdout.write(`${verb} blob ${digest} (${formatSize(size)})\n`);
    for (const id of result.images) stdout.write(`${verb} image ${id}\n`);
    for (const id of result.containers) stdout.write(`${verb} container ${id}\n`);
    if (result.records > 0) stdout.write(`${verb} ${result.records} cache records\n`);
    stdout.write(`Total reclaimed space: ${formatSize(result.reclaimed)}\n`);
    return 0;
  },
};
