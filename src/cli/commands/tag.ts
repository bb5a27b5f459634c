import { tagImage, withStore } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';

const spec: CommandSpec = {
  name: 'tag',
  usage: 'tbuild tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  summary: 'Give an image one more name',
  positionals: { min: 2, max: 2 },
  options: {},
};

export const command: Command = {
  spec,
  async run(args) {
    const [source = '', target = ''] = args.positionals;
    await withStore({ root: args.string('store') }, (store) => tagImage(store, source, target));
    return 0;
  },
};
