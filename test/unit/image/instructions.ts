import type { Instruction } from '../../../src/dockerfile/instruction.ts';
import type { Command } from '../../../src/dockerfile/instruction.ts';

type WithoutPlace<T> = T extends unknown ? Omit<T, 'span' | 'text'> : never;

/** An instruction as the parser makes it, but for its place. */
export function instruction(fields: WithoutPlace<Instruction>): Instruction {
  const span = { file: 'Dockerfile', line: 3, column: 1, endLine: 3, endColumn: 9 };
  return { ...fields, span, text: fields.kind.toUpperCase() } as Instruction;
}

export const shell = (text: string): Command => ({ form: 'shell', text });
export const exec = (...argv: readonly string[]): Command => ({ form: 'exec', argv });
