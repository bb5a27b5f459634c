import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import type { Dockerfile, Instruction } from '../../../src/dockerfile/instruction.ts';
import { TbuildError } from '../../../src/errors.ts';

export function parse(...lines: readonly string[]): Dockerfile {
  return parseDockerfile(lines.join('\n'), 'Dockerfile');
}

/** The instructions of a stage on busybox. */
export function instructionsOf(...lines: readonly string[]): readonly Instruction[] {
  return parse('FROM busybox', ...lines).stages[0]?.instructions ?? [];
}

/** The only instruction, without its place and text. */
export function instructionOf(...lines: readonly string[]): object {
  const [instruction, ...rest] = instructionsOf(...lines);
  if (instruction === undefined || rest.length > 0) throw new TypeError('not one instruction');
  const { span: _, text: __, ...fields } = instruction;
  return fields;
}

/** The error that the function throws; anything but a TbuildError fails. */
export function errorOf(run: () => unknown): TbuildError {
  try {
    run();
  } catch (error) {
    if (error instanceof TbuildError) return error;
    throw error;
  }
  throw new TypeError('nothing was thrown');
}

/** `CODE message`, for tables. */
export function failureOf(run: () => unknown): string {
  const { code, message } = errorOf(run);
  return `${code} ${message}`;
}
