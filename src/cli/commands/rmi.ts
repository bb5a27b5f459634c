import { removeImage, withStore } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { throwFirst } from '../throw-first.ts';

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
    const force = args.flag('force');
    const results: PromiseSettledResult<unknown>[] = [];
    await withStore({ root: args.string('store') }, async (store) => {
      for (const name of args.positionals) {
        const [result] = await Promise.allSettled([removeImage(store, name, { force })]);
        results.push(result);
        if (result.status === 'rejected') continue;
        for (const each of result.value.untagged) stdout.write(`Untagged: ${each}\n`);
        for (const each of result.value.deleted) stdout.write(`Deleted: ${each}\n`);
      }
    });
    throwFirst(results);
    return 0;
  },
};
