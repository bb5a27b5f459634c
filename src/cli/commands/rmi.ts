import { removeImage, withStore } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';

const spec: CommandSpec = {
  name: 'rmi',
  usage: 'tbuild rmi [OPTIONS] IMAGE...',
  summary: 'Remove names, and images that have none left',
  details: 'Layers stay in the cache until tbuild prune.',
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  options: { force: { type: 'boolean', short: 'f', help: 'Remove an image by id with all its names' } },
};

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    await withStore({ root: args.string('store') }, async (store) => {
      for (const name of args.positionals) {
        const { untagged, deleted } = await removeImage(store, name, { force: args.flag('force') });
        for (const each of untagged) stdout.write(`Untagged: ${each}\n`);
        for (const each of deleted) stdout.write(`Deleted: ${each}\n`);
      }
    });
    return 0;
  },
};
