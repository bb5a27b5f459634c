import { cacheEntries, withStore } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { formatAgo, formatSize, shortId } from '../ui/format.ts';
import { formatTable } from '../ui/table.ts';

const spec: CommandSpec = {
  name: 'cache ls',
  usage: 'tbuild cache ls [OPTIONS]',
  summary: 'List the layers in the store and what uses them',
  positionals: { min: 0, max: 0 },
  options: {
    json: { type: 'boolean', help: 'One JSON object a line' },
    'no-trunc': { type: 'boolean', help: 'Whole ids' },
  },
};

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const entries = await withStore({ root: args.string('store') }, (store) => cacheEntries(store));
    if (args.flag('json')) {
      for (const entry of entries) stdout.write(`${JSON.stringify(entry)}\n`);
      return 0;
    }
    const cells = entries.map(({ layer, created, size, entries: count, images, directory }) => [
      args.flag('no-trunc') ? layer : shortId(layer),
      formatAgo(new Date(created).toISOString()),
      formatSize(size),
      String(count),
      images.length === 0 ? '-' : images.join(','),
      directory,
    ]);
    stdout.write(formatTable(['LAYER', 'CREATED', 'SIZE', 'FILES', 'IMAGES', 'DIRECTORY'], cells));
    return 0;
  },
};
