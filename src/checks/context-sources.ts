import type { Instruction } from '../dockerfile/instruction.ts';

/** What an (expanded) COPY or ADD takes from the build context, as it is written. */
export function contextSources(instruction: Instruction): readonly string[] {
  if (instruction.kind !== 'add' && instruction.kind !== 'copy') return [];
  if (instruction.kind === 'copy' && instruction.from !== undefined) return [];
  return instruction.sources.filter((source) => !isRemote(source));
}

export function isRemote(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/|^git@/i.test(source);
}
