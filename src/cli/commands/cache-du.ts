import { diskUsage, parseUntil, TbuildError, withStore } from '../../index.ts';
import type { DiskUsageEntry } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { formatBlocks } from '../ui/blocks.ts';
import { formatAgo, formatSize, formatTime, shortId } from '../ui/format.ts';
import { formatTable } from '../ui/table.ts';
import { parseUsageType } from '../usage-type.ts';

const spec: CommandSpec = {
  name: 'cache du',
  usage: 'tbuild cache du [OPTIONS]',
  summary: 'Show what the store takes on the disk, and what prune frees of it',
  details:
    'A layer is reclaimable when no named image has it, a cache mount when no command has it mounted. A size with * has hard links to files of other layers: each file counts once in the totals.\n\nDangling is what tbuild prune frees, Reclaimable what tbuild prune --all does, without what containers left.',
  positionals: { min: 0, max: 0 },
  options: {
    filter: {
      type: 'string',
      multiple: true,
      value: 'FILTER',
      help: 'type=regular|exec.cachemount, until=TIME, id=BEGINNING, description~=TEXT, reclaimable=BOOL or shared=BOOL',
    },
    json: { type: 'boolean', help: 'Entries and totals as JSON' },
    verbose: { type: 'boolean', help: 'All that is known of each layer and cache mount' },
  },
};

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const filters = args.strings('filter').map(parseFilter);
    const usage = await withStore({ root: args.string('store') }, (store) => diskUsage(store));
    const entries = usage.entries.filter((entry) => filters.every((fits) => fits(entry)));
    if (args.flag('json')) {
      stdout.write(`${JSON.stringify({ ...usage, entries })}\n`);
      return 0;
    }
    if (args.flag('verbose')) {
      stdout.write(`${formatBlocks(entries.map(describe))}${entries.length === 0 ? '' : '\n'}`);
    } else {
      const cells = entries.map((entry) => [
        shortId(entry.id),
        String(entry.reclaimable),
        `${formatSize(entry.size)}${entry.sharedSize > 0 ? '*' : ''}`,
        ago(entry.lastUsed),
        entry.type,
        entry.description.length <= 60
          ? entry.description.replaceAll('\n', ' ')
          : `${entry.description.slice(0, 59).replaceAll('\n', ' ')}…`,
      ]);
      stdout.write(formatTable(['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED', 'TYPE', 'DESCRIPTION'], cells));
    }
    const { dangling, reclaimable, shared, total } = usage.totals;
    const totals = { Shared: shared, Dangling: dangling, Reclaimable: reclaimable, Total: total };
    for (const [name, bytes] of Object.entries(totals)) stdout.write(`${`${name}:`.padEnd(14)}${formatSize(bytes)}\n`);
    return 0;
  },
};

function ago(time: number): string {
  return formatAgo(new Date(time).toISOString());
}

function describe(entry: DiskUsageEntry): readonly (readonly [string, string])[] {
  return [
    ['ID', entry.id],
    ['Created at', formatTime(new Date(entry.created).toISOString())],
    ['Reclaimable', String(entry.reclaimable)],
    ['Shared', String(entry.sharedSize > 0)],
    ['Size', formatSize(entry.size)],
    ['Shared size', formatSize(entry.sharedSize)],
    ['Description', entry.description],
    ['Last used', ago(entry.lastUsed)],
    ['Type', entry.type],
    ['Images', entry.images.join(', ')],
  ];
}

type Fits = (entry: DiskUsageEntry) => boolean;

function parseFilter(text: string): Fits {
  const [, name = '', , value = ''] = /^(\w+)(~?=)(.*)$/s.exec(text) ?? [];
  if (text.startsWith('description~=')) return ({ description }) => description.includes(value);
  switch (text.includes('~=') ? '' : name) {
    case 'until': {
      const time = parseUntil(value).getTime();
      return ({ lastUsed }) => lastUsed < time;
    }
    case 'type': {
      const wanted = parseUsageType(text, value);
      return ({ type }) => type === wanted;
    }
    case 'id':
      return ({ id }) => id.startsWith(value);
    case 'reclaimable':
      return ({ reclaimable }) => reclaimable === truth(text, value);
    case 'shared':
      return ({ sharedSize }) => sharedSize > 0 === truth(text, value);
    default:
      throw new TbuildError('TBUILD_USAGE', `--filter ${JSON.stringify(text)} is not known`, {
        hint: 'see tbuild cache du --help',
      });
  }
}

function truth(text: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw new TbuildError('TBUILD_USAGE', `--filter ${JSON.stringify(text)} must be true or false`);
}
