import type { Command } from '../command.ts';

interface CommandLoader {
  /** Words on the command line, e.g. `cache ls`. */
  readonly names: readonly string[];
  readonly load: () => Promise<Command>;
}

/** Every command, in the order of the overview. Each is loaded when it is asked for. */
export const commandLoaders: readonly CommandLoader[] = [
  { names: ['build'], load: async () => (await import('./build.ts')).command },
  { names: ['run'], load: async () => (await import('./run.ts')).command },
  { names: ['images', 'image ls'], load: async () => (await import('./images.ts')).command },
  { names: ['inspect', 'image inspect'], load: async () => (await import('./inspect.ts')).command },
  { names: ['history', 'image history'], load: async () => (await import('./history.ts')).command },
  { names: ['tag', 'image tag'], load: async () => (await import('./tag.ts')).command },
  { names: ['rmi', 'image rm'], load: async () => (await import('./rmi.ts')).command },
  { names: ['load', 'image load'], load: async () => (await import('./load.ts')).command },
  { names: ['save', 'image save'], load: async () => (await import('./save.ts')).command },
  { names: ['import', 'image import'], load: async () => (await import('./import.ts')).command },
  { names: ['cache ls'], load: async () => (await import('./cache-ls.ts')).command },
  { names: ['cache du'], load: async () => (await import('./cache-du.ts')).command },
  { names: ['cache why'], load: async () => (await import('./cache-why.ts')).command },
  { names: ['prune'], load: async () => (await import('./prune.ts')).command },
  { names: ['doctor'], load: async () => (await import('./doctor.ts')).command },
];

export function findLoader(
  argv: readonly string[],
): { readonly words: number; readonly load: () => Promise<Command> } | undefined {
  for (const words of [2, 1]) {
    const name = argv.slice(0, words).join(' ');
    const loader = commandLoaders.find(({ names }) => names.includes(name));
    if (loader !== undefined && argv.length >= words) return { words, load: loader.load };
  }
  return undefined;
}
