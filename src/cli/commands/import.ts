import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { importImage, parsePlatform, TbuildError } from '../../index.ts';
import { withByteCount } from '../ui/spinner.ts';
import type { Command, CommandSpec } from '../command.ts';

const spec: CommandSpec = {
  name: 'import',
  usage: 'tbuild import [OPTIONS] ROOTFS.tar[.gz]|- NAME[:TAG]',
  summary: 'Make a base image from the tar of a root file system',
  details: 'Example: mmdebstrap --variant=minbase trixie | tbuild import - debian:trixie',
  positionals: { min: 1, max: 2 },
  options: {
    change: {
      type: 'string',
      short: 'c',
      multiple: true,
      value: 'INSTRUCTION',
      help: 'Dockerfile instruction for the config, e.g. \'CMD ["bash"]\'',
    },
    message: { type: 'string', short: 'm', value: 'TEXT', help: 'Comment in the history' },
    platform: { type: 'string', value: 'OS/ARCH', help: "Platform of the image (default: this machine's)" },
  },
};

export const command: Command = {
  spec,
  async run(args, { stdin, stdout, stderr, signal }) {
    const [path = '-', name] = args.positionals;
    const platform = args.string('platform');
    if (path === '-' && stdin.isTTY)
      throw new TbuildError('TBUILD_USAGE', 'the tar is read from standard input, which is a terminal');
    const source = path === '-' ? stdin : await openArchive(path);
    const { image, omitted } = await importImage({
      source: withByteCount(source, `Importing ${path}`, { stderr }),
      origin: path,
      name,
      changes: args.strings('change'),
      message: args.string('message'),
      platform: platform === undefined ? undefined : parsePlatform(platform),
      storeRoot: args.string('store'),
      signal,
    }).finally(() => source.destroy());
    if (omitted.length > 0) {
      stderr.write(
        `WARNING: ${omitted.length} device nodes were left out, which only root can make: ${omitted.slice(0, 5).join(', ')}${omitted.length > 5 ? ', …' : ''}\n`,
      );
    }
    stdout.write(`${image.id}\n`);
    return 0;
  },
};

async function openArchive(path: string): Promise<Readable> {
  try {
    return (await open(path)).createReadStream();
  } catch (cause) {
    throw new TbuildError('TBUILD_ARCHIVE', `${path} cannot be read`, { cause });
  }
}
