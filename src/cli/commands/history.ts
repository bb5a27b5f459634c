import { imageHistory, withStore } from '../../index.ts';
import type { HistoryRow } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { formatBlocks } from '../ui/blocks.ts';
import { formatAgo, formatDuration, formatSize, formatTime, shortId } from '../ui/format.ts';
import { formatRows } from '../ui/row-format.ts';

const spec: CommandSpec = {
  name: 'history',
  usage: 'tbuild history [OPTIONS] IMAGE',
  summary: 'Show how an image was made',
  details: 'With --verbose: also which step of which Dockerfile, and which cache record, each layer comes from.',
  positionals: { min: 1, max: 1 },
  options: {
    format: { type: 'string', value: 'FORMAT', help: "json, table, 'table TEMPLATE' or 'TEMPLATE'" },
    human: { type: 'boolean', short: 'H', initial: true, help: 'Sizes and times for people (default: true)' },
    json: { type: 'boolean', help: 'All that is known, one JSON object a line' },
    'no-trunc': { type: 'boolean', help: 'Whole ids and instructions' },
    quiet: { type: 'boolean', short: 'q', help: 'Only ids' },
    verbose: { type: 'boolean', help: 'Where each layer comes from' },
  },
};

const columns = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
  Layer: 'LAYER',
  DiffID: 'DIFF ID',
  Step: 'STEP',
  Record: 'RECORD',
} as const;

type Row = Readonly<Record<keyof typeof columns, string>>;

interface Style {
  readonly isHuman: boolean;
  readonly isWhole: boolean;
}

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const [name = ''] = args.positionals;
    const format = args.string('format');
    const history = await withStore({ root: args.string('store') }, (store) => imageHistory(store, name));
    const style: Style = { isHuman: args.flag('human'), isWhole: args.flag('no-trunc') };
    const rows = history.map((row) => toRow(row, style));
    if (args.flag('quiet') && (format === undefined || format === 'table')) {
      for (const { ID } of rows) stdout.write(`${ID}\n`);
    } else if (args.flag('json')) {
      for (const row of history) stdout.write(`${JSON.stringify(row)}\n`);
    } else if (args.flag('verbose') && format === undefined) {
      stdout.write(formatBlocks(history.map((row) => describe(row, style))));
    } else {
      const created = style.isHuman ? 'CreatedSince' : 'CreatedAt';
      stdout.write(formatRows({ columns, shown: ['ID', created, 'CreatedBy', 'Size', 'Comment'], format }, rows));
    }
    return 0;
  },
};

function toRow(row: HistoryRow, { isHuman, isWhole }: Style): Row {
  const id = (text: string): string => (isWhole ? text : shortId(text));
  const since = isHuman ? formatAgo(row.created) : formatTime(row.created);
  const { step, record } = row.origin ?? {};
  return {
    ID: row.image === undefined ? '<missing>' : id(row.image),
    CreatedSince: since,
    CreatedAt: formatTime(row.created),
    CreatedBy: shorten(row.createdBy.replaceAll('\t', ' '), isWhole),
    Size: isHuman ? formatSize(row.size) : String(row.size),
    Comment: row.comment,
    Layer: row.layer === undefined ? '' : id(row.layer),
    DiffID: row.diffId === undefined ? '' : id(row.diffId),
    Step: step === undefined ? '' : `${step.number}/${step.total} : ${shorten(step.text, isWhole)}`,
    Record: record === undefined ? '' : id(record.key),
  };
}

const shownLength = 45;

/** docker's CREATED BY. */
function shorten(text: string, isWhole: boolean): string {
  const line = isWhole ? text : text.replaceAll('\n', ' ');
  const characters = Array.from(line);
  return isWhole || characters.length <= shownLength ? line : `${characters.slice(0, shownLength - 1).join('')}…`;
}

/** What is known of a row, the layer's origin above all. */
function describe(row: HistoryRow, { isHuman }: Style): readonly (readonly [string, string])[] {
  const { image, created, createdBy, comment, layer, diffId, directory, origin, arrivedAs, size } = row;
  const bytes = (count: number): string => (isHuman ? formatSize(count) : String(count));
  const time = isHuman && created !== undefined ? ` (${formatAgo(created)})` : '';
  const head: (readonly [string, string])[] = [
    ['Image', image ?? '<missing>'],
    ['Created', `${formatTime(created)}${time}`],
    ['Created by', createdBy],
    ['Comment', comment],
  ];
  if (layer === undefined) return [...head, ['Layer', 'none: it changes only the config']];
  return [
    ...head,
    ['Layer', layer],
    ['Diff ID', diffId ?? ''],
    ['Size', bytes(size)],
    ['Directory', directory ?? ''],
    ...(arrivedAs === undefined
      ? describeOrigin(origin)
      : [['Arrived as', describeArrival(arrivedAs, bytes)] as const]),
  ];
}

function describeArrival(
  { digest, mediaType, size }: NonNullable<HistoryRow['arrivedAs']>,
  bytes: (count: number) => string,
): string {
  return `${digest} (${mediaType}, ${bytes(size)})`;
}

function describeOrigin(origin: HistoryRow['origin']): readonly (readonly [string, string])[] {
  const { step, record } = origin ?? {};
  const where = step?.target === undefined ? '' : `, target ${step.target}`;
  return [
    [
      'Step',
      step === undefined
        ? 'not known: no build that is remembered went through it'
        : `${step.number}/${step.total} : ${step.text}\nof ${step.dockerfile}${where}, built ${formatAgo(new Date(step.started).toISOString())}`,
    ],
    [
      'Record',
      record === undefined ? 'removed from the store' : `${record.key}, took ${formatDuration(record.durationMs)}`,
    ],
  ];
}
