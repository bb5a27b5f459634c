import { familiarName, loadImages, parsePlatform, TbuildError } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { counted } from '../counted.ts';
import { openTransferView } from '../ui/live/transfer-view.ts';

const spec: CommandSpec = {
  name: 'load',
  usage: 'tbuild load [OPTIONS]',
  summary: 'Load images from an archive',
  details: 'Archives of tbuild save, docker save and podman save, and OCI layouts in a tar, plain or compressed.',
  positionals: { min: 0, max: 0 },
  options: {
    input: { type: 'string', short: 'i', value: 'FILE', help: 'The archive (default: standard input)' },
    platform: { type: 'string', value: 'OS/ARCH', help: "Which one of several (default: this machine's)" },
    quiet: { type: 'boolean', short: 'q', help: 'Show no progress' },
  },
};

export const command: Command = {
  spec,
  async run(args, terminal) {
    const { stdout, stderr, signal } = terminal;
    const input = args.string('input');
    const stdin = input === undefined || input === '-' ? terminal.stdin : undefined;
    if (stdin?.isTTY === true) {
      throw new TbuildError('TBUILD_USAGE', 'the archive is read from standard input, which is a terminal', {
        hint: 'give the archive with -i FILE',
      });
    }
    const platform = args.string('platform');
    const env = args.flag('quiet') ? { ...terminal.env, TBUILD_PROGRESS: 'quiet' } : terminal.env;
    using view = openTransferView(`Loading ${stdin === undefined ? input : 'standard input'}`, { stderr, env });
    const { images, omitted } = await loadImages({
      source: stdin === undefined ? (input ?? '-') : counted(stdin, view),
      platform: platform === undefined ? undefined : parsePlatform(platform),
      onProgress({ phase, blob: label, current, total }) {
        // Of a stream all bytes have been counted before a layer is unpacked.
        if (stdin === undefined && phase !== 'exists') view.note({ label, current, total });
      },
      storeRoot: args.string('store'),
      signal,
      // Whoever writes there may never end.
    }).finally(() => stdin?.destroy());
    view.done(`Loaded ${stdin === undefined ? input : 'standard input'}`);
    if (omitted.length > 0) {
      stderr.write(
        `WARNING: ${omitted.length} device nodes were left out, which only root can make: ${omitted.slice(0, 5).join(', ')}${omitted.length > 5 ? ', …' : ''}\n`,
      );
    }
    for (const { image, names } of images) {
      for (const name of names) stdout.write(`Loaded image: ${familiar(name)}\n`);
      if (names.length === 0) stdout.write(`Loaded image ID: ${image.id}\n`);
    }
    return 0;
  },
};

function familiar(name: string): string {
  const { repository, tag } = familiarName(name);
  return `${repository}:${tag}`;
}
