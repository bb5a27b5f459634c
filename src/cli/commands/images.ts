import { familiarName, listImages, withStore } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { formatAgo, formatSize, shortId } from '../ui/format.ts';
import { formatTable } from '../ui/table.ts';

const spec: CommandSpec = {
  name: 'images',
  usage: 'tbuild images [OPTIONS]',
  summary: 'List images',
  positionals: { min: 0, max: 0 },
  options: {
    quiet: { type: 'boolean', short: 'q', help: 'Only ids' },
    json: { type: 'boolean', help: 'One JSON object a line' },
    'no-trunc': { type: 'boolean', help: 'Whole ids' },
  },
};

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const images = await withStore({ root: args.string('store') }, (store) => listImages(store));
    const id = (full: string): string => (args.flag('no-trunc') ? full : shortId(full));
    if (args.flag('quiet')) {
      for (const full of new Set(images.map(({ image }) => image.id))) stdout.write(`${id(full)}\n`);
      return 0;
    }
    const rows = images.map(({ name, image }) => {
      const { repository, tag } = name === undefined ? { repository: '<none>', tag: '<none>' } : familiarName(name);
      return { repository, tag, image };
    });
    if (args.flag('json')) {
      for (const { repository, tag, image } of rows) {
        const { os, architecture } = image.platform;
        stdout.write(
          `${JSON.stringify({ Repository: repository, Tag: tag, ID: image.id, CreatedAt: image.created, Size: image.size, Platform: `${os}/${architecture}` })}\n`,
        );
      }
      return 0;
    }
    const cells = rows.map(({ repository, tag, image }) => [
      repository,
      tag,
      id(image.id),
      formatAgo(image.created),
      formatSize(image.size),
    ]);
    stdout.write(formatTable(['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE'], cells));
    return 0;
  },
};
