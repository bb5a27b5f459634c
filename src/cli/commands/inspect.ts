import { inspect, withStore } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { throwFirst } from '../throw-first.ts';

const spec: CommandSpec = {
  name: 'inspect',
  usage: 'tbuild inspect IMAGE|CONTAINER...',
  summary: 'Show an image or a running container: config, layers and the directories that hold them',
  details: "The output is docker's. GraphDriver.Data names the directories: ls them to see what each step changed.",
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  options: {},
};

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const results = await withStore({ root: args.string('store') }, (store) =>
      Promise.allSettled(args.positionals.map((name) => inspect(store, name))),
    );
    const found = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    stdout.write(`${JSON.stringify(found, null, 4)}\n`);
    throwFirst(results);
    return 0;
  },
};
