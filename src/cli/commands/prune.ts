import { parseByteSize, parseUntil, prune, TbuildError } from '../../index.ts';
import type { PruneOptions } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { confirm } from '../confirm.ts';
import { formatSize } from '../ui/format.ts';
import { parseUsageType } from '../usage-type.ts';

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
      value: 'FILTER',
      help: 'until=TIME (not made or used since: 24h, or a time), type=exec.cachemount (cache mounts alone) or type=regular',
    },
    'max-used-space': {
      type: 'string',
      value: 'BYTES',
      help: 'Of what --all removes only the least recently used, until the store takes no more (10g)',
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
    const dryRun = args.flag('dry-run');
    const maxUsedSpace = parseSpace(args.string('max-used-space'));
    const all = args.flag('all') || maxUsedSpace !== undefined;
    const filters = parseFilters(args.strings('filter'));
    if (!dryRun && !args.flag('force') && !(await confirm(warning(all, filters), terminal))) return 0;
    const result = await prune({ storeRoot: args.string('store'), all, ...filters, maxUsedSpace, dryRun, signal });
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

type Filters = Pick<PruneOptions, 'type' | 'unusedSince'>;

function warning(all: boolean, { type }: Filters): string {
  const layers = 'images without a name, what ended containers left, and layers that nothing needs';
  const cache = 'the cache that no named image has';
  const mounts = 'cache mounts that no build uses';
  if (type === 'exec.cachemount') return `WARNING! This will remove ${mounts}.`;
  const more = !all ? '' : type === 'regular' ? `, and ${cache}` : `, ${mounts}, and ${cache}`;
  return `WARNING! This will remove ${layers}${more}.`;
}

function parseFilters(texts: readonly string[]): Filters {
  let filters: Filters = {};
  for (const text of texts) {
    const { name = '', value = '' } = /^(?<name>\w+)=(?<value>.*)$/s.exec(text)?.groups ?? {};
    if (name !== 'until' && name !== 'type') {
      throw new TbuildError('TBUILD_USAGE', `--filter ${JSON.stringify(text)} is not known`, {
        hint: 'until=TIME and type=exec.cachemount|regular are',
      });
    }
    const filter = name === 'until' ? { unusedSince: parseUntil(value) } : { type: parseUsageType(text, value) };
    if (Object.keys(filter).some((key) => key in filters)) {
      throw new TbuildError('TBUILD_USAGE', `more than one --filter ${name}`);
    }
    filters = { ...filters, ...filter };
  }
  return filters;
}

function parseSpace(text: string | undefined): number | undefined {
  const bytes = text === undefined ? undefined : parseByteSize(text);
  if (text === undefined || bytes !== undefined) return bytes;
  throw new TbuildError('TBUILD_USAGE', `--max-used-space ${JSON.stringify(text)} is no size`, {
    hint: 'for example --max-used-space 10g, 512m or a number of bytes',
  });
}
