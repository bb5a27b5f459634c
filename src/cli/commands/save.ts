import { resolve } from 'node:path';
import { parsePlatform, saveImages, TbuildError } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { openTransferView } from '../ui/live/transfer-view.ts';

const spec: CommandSpec = {
  name: 'save',
  usage: 'tbuild save [OPTIONS] IMAGE...',
  summary: 'Save images to an archive',
  details:
    "The archive is docker's and an OCI layout in one: docker, podman and OCI tools read it. A repository without a tag stands for all its tags.",
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', help: 'Where to (default: standard output)' },
    platform: { type: 'string', value: 'OS/ARCH', help: 'Refuse images for other platforms' },
  },
};

export const command: Command = {
  spec,
  async run(args, terminal) {
    const { stdout, signal } = terminal;
    const output = args.string('output');
    const isStdout = output === undefined || output === '-';
    if (isStdout && stdout.isTTY) {
      throw new TbuildError('TBUILD_USAGE', 'cowardly refusing to save to a terminal', {
        hint: 'give a file with -o, or redirect standard output',
      });
    }
    const platform = args.string('platform');
    using view = openTransferView(`Saving ${args.positionals.join(', ')}`, terminal);
    await saveImages({
      images: args.positionals,
      destination: isStdout ? stdout : resolve(output),
      platform: platform === undefined ? undefined : parsePlatform(platform),
      onProgress: (label, current, total) => view.note({ label, current, total }),
      storeRoot: args.string('store'),
      signal,
    });
    view.done(`Saved ${args.positionals.join(', ')}`);
    return 0;
  },
};
