import { imageHistory, withStore } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { formatAgo, formatSize, shortId } from '../ui/format.ts';
import { formatTable } from '../ui/table.ts';

const spec: CommandSpec = {
  name: 'history',
  usage: 'tbuild history [OPTIONS] IMAGE',
  summary: 'Show how an image was made',
  positionals: { min: 1, max: 1 },
  options: {
    json: { type: 'boolean', help: 'One JSON object a line' },
    'no-trunc': { type: 'boolean', help: 'Whole instructions' },
    quiet: { type: 'boolean', short: 'q', help: 'Only ids' },
  },
};

const shownLength = 45;

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const [name = ''] = args.positionals;
    const rows = await withStore({ root: args.string('store') }, (store) => imageHistory(store, name));
    const whole = args.flag('no-trunc');
    const id = (image: string | undefined): string =>
      image === undefined ? '<missing>' : whole ? image : shortId(image);
    if (args.flag('quiet')) {
      for (const { image } of rows) stdout.write(`${id(image)}\n`);
    } else if (args.flag('json')) {
      for (const row of rows) stdout.write(`${JSON.stringify(row)}\n`);
    } else {
      const cells = rows.map((row) => [
        id(row.image),
        formatAgo(row.created),
        shorten(row.createdBy, whole),
        formatSize(row.size),
        row.comment,
      ]);
      stdout.write(formatTable(['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT'], cells));
    }
    return 0;
  },
};

function shorten(text: string, whole: boolean): string {
  const line = text.replace(/\s+/g, ' ');
  return whole || line.length <= shownLength ? line : `${line.slice(0, shownLength - 1)}…`;
}
