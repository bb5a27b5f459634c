import type { Instruction } from './instruction.ts';
import { mountSource } from './mount-flag.ts';

/** The stages, named contexts and images that an instruction takes files from, as it names them. They are known before variables are. */
export function sourceNames(instruction: Instruction): readonly string[] {
  switch (instruction.kind) {
    case 'copy':
      return instruction.from === undefined ? [] : [instruction.from];
    case 'run':
      return [...new Set(instruction.mounts.map(mountSource).filter((name) => name !== undefined))];
    default:
      return [];
  }
}
