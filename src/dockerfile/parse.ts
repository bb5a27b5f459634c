import { buildInstruction } from './build-instruction.ts';
import type { ArgInstruction, Dockerfile, Instruction, Stage } from './instruction.ts';
import { parseFrom } from './instructions/from.ts';
import { noneOverridden } from './directives.ts';
import type { OverriddenDirectives } from './directives.ts';
import type { RawInstruction } from './raw-instruction.ts';
import { splitInstructions } from './split-instructions.ts';
import { syntaxError } from './syntax-error.ts';

/**
 * Reads a whole Dockerfile. Pure; the result is plain data.
 *
 * @param file its name, for messages and spans
 * @throws TBUILD_DOCKERFILE_SYNTAX, and TBUILD_UNSUPPORTED for what docker knows and this version does not
 */
export function parseDockerfile(
  text: string,
  file: string,
  overridden: OverriddenDirectives = noneOverridden,
): Dockerfile {
  const { directives, instructions: raws } = splitInstructions(text, file, overridden);
  const firstFrom = raws.findIndex(({ name }) => name === 'from');
  const globalArgs = raws
    .slice(0, firstFrom === -1 ? raws.length : firstFrom)
    .map((raw) => parseGlobal(raw, directives.escape));
  const stages = firstFrom === -1 ? [] : parseStages(raws.slice(firstFrom), directives.escape);
  const last = raws.at(-1);
  if (stages.length === 0 && last !== undefined) {
    throw syntaxError('dockerfile contains no stages to build', last.span, 'Add a FROM instruction.');
  }
  const { escape, check } = directives;
  return { file, escape, globalArgs, stages, check };
}

function parseGlobal(raw: RawInstruction, escape: string): ArgInstruction {
  const instruction = buildInstruction(raw, escape);
  if (instruction.kind === 'arg') return instruction;
  throw syntaxError(
    `no build stage in current context: ${raw.name.toUpperCase()} before the first FROM`,
    raw.span,
    'Only ARG may stand before the first FROM.',
  );
}

/** @param raws the first one is FROM */
function parseStages(raws: readonly RawInstruction[], escape: string): readonly Stage[] {
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const raw of raws) {
    if (raw.name === 'from') stages.push({ index: stages.length, ...parseFrom(raw), instructions: [] });
    else stages.at(-1)?.instructions.push(buildInstruction(raw, escape));
  }
  return stages;
}
