import { resolveIn } from './run-commands.ts';
import type { PlacedCommand } from './run-commands.ts';

/** What `rm` and `rmdir` remove, absolute; `directory/*` is the directory. What a variable or another pattern names is not told. */
export function removedPaths({ program, args, directory }: PlacedCommand): readonly string[] {
  if (program !== 'rm' && program !== 'rmdir' && program !== 'unlink') return [];
  return args
    .filter((arg) => !arg.startsWith('-'))
    .flatMap((arg) => resolveIn(directory, arg.replace(/(?<=.)\/\*$/, '')) ?? [])
    .filter((path) => path !== '/');
}
