import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { importImage, parsePlatform, TbuildError } from '../../index.ts';
import { counted } from '../counted.ts';
import { openTransferView } from '../ui/live/transfer-view.ts';
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
  async run(args, terminal) {
    const { stdin, stdout, stderr, signal } = terminal;
    const [path = '-', name] = args.positionals;
    const platform = args.string('platform');
    if (path === '-' && stdin.isTTY)
      throw new TbuildError('TBUILD_USAGE', 'the tar is read from standard input, which is a terminal');
    const archive = path === '-' ? { chunks: stdin, size: undefined } : await openArchive(path);
    using view = openTransferView(`Importing ${path}`, terminal);
    const { image, omitted } = await importImage({
      source: counted(archive.chunks, view, archive.size),
      origin: path,
      name,
      changes: args.strings('change'),
      message: args.string('message'),
      platform: platform === undefined ? undefined : parsePlatform(platform),
      storeRoot: args.string('store'),
      signal,
    }).finally(() => archive.chunks.destroy());
    view.done(`Imported ${path}`);
    if (omitted.length > 0) {
      stderr.write(
        `WARNING: ${omitted.length} device nodes were left out, which only root can make: ${omitted.slice(0, 5).join(', ')}${omitted.length > 5 ? ', …' : ''}\n`,
      );
    }
    stdout.write(`${image.id}\n`);
    return 0;
  },
};

interface Archive {
  readonly chunks: Readable;
  /** Undefined of what is no file. */
  readonly size: number | undefined;
}

async function openArchive(path: string): Promise<Archive> {
  try {
    const file = await open(path);
    const stats = await file.stat();
    return {
      chunks: file.createReadStream(),
      size: stats.isFile() ? stats.size : undefined,
    };
  } catch (cause) {
    throw new TbuildError('TBUILD_ARCHIVE', `${path} cannot be read`, { cause });
  }
}
