import type { CheckOptions } from './check-options.ts';
import type { DockerfileWarning, Stage } from './instruction.ts';
import { isLegacyKeyValue } from './instructions/key-values.ts';
import type { RawInstruction } from './raw-instruction.ts';
import { syntaxError } from './syntax-error.ts';
import { splitBlanks } from './words.ts';

export interface WarningInput {
  readonly raws: readonly RawInstruction[];
  readonly stages: readonly Stage[];
  readonly escape: string;
  readonly check: CheckOptions;
}

/** BuildKit's checks that need nothing but the text, by its names and in its words, in the order of the file. `# check=error=true` makes them an error. */
export function collectWarnings(input: WarningInput): readonly DockerfileWarning[] {
  const { skipped, isError } = input.check;
  if (skipped.has('all')) return [];
  const warnings = [
    ...input.raws.flatMap((raw) => instructionWarnings(raw, input.escape)),
    ...casingWarnings(input.raws),
    ...stageNameWarnings(input.stages),
    ...input.stages.flatMap(repeatWarnings),
    ...shellFormWarnings(input.stages),
  ]
    .filter(({ rule }) => !skipped.has(rule))
    .toSorted((left, right) => left.span.line - right.span.line);
  const [first] = warnings;
  if (isError && first !== undefined) {
    const rules = [...new Set(warnings.map(({ rule }) => rule))].join(', ');
    throw syntaxError(`lint violation found for rules: ${rules}`, first.span, first.message);
  }
  return warnings;
}

function instructionWarnings(raw: RawInstruction, escape: string): readonly DockerfileWarning[] {
  const { name, keyword, span } = raw;
  const found: DockerfileWarning[] = [];
  const warn = (rule: string, message: string, where = span): number => found.push({ rule, message, span: where });
  if (raw.blankLine !== undefined) warn('NoEmptyContinuation', 'Empty continuation line', raw.blankLine);
  if (name === 'maintainer') {
    warn('MaintainerDeprecated', 'Maintainer instruction is deprecated in favor of using label');
  }
  if ((name === 'env' || name === 'label') && isLegacyKeyValue(raw.args, escape)) {
    warn(
      'LegacyKeyValueFormat',
      `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
    );
  }
  if (name === 'from') {
    const [, as, stageName] = splitBlanks(raw.args);
    if (as !== undefined && ['lower', 'upper'].includes(casingOf(keyword)) && casingOf(as) !== casingOf(keyword)) {
      warn('FromAsCasing', `'${as}' and '${keyword}' keywords' casing do not match`);
    }
    if (stageName !== undefined && stageName !== stageName.toLowerCase()) {
      warn('StageNameCasing', `Stage name '${stageName}' should be lowercase`);
    }
  }
  return found;
}

function casingWarnings(raws: readonly RawInstruction[]): readonly DockerfileWarning[] {
  const casings = raws.map(({ keyword }) => casingOf(keyword));
  const lower = casings.filter((casing) => casing === 'lower').length;
  const upper = casings.filter((casing) => casing === 'upper').length;
  const majority = lower > upper ? 'lower' : 'upper';
  return raws
    .filter((_, index) => casings[index] !== majority)
    .map(({ keyword, span }) => ({
      rule: 'ConsistentInstructionCasing',
      message: `Command '${keyword}' should match the case of the command majority (${majority}case)`,
      span,
    }));
}

function stageNameWarnings(stages: readonly Stage[]): readonly DockerfileWarning[] {
  const seen = new Set<string>();
  return stages.flatMap(({ name, span }) => {
    if (name === undefined) return [];
    const found: DockerfileWarning[] = [];
    if (seen.has(name)) {
      const message = `Duplicate stage name "${name}", stage names should be unique`;
      found.push({ rule: 'DuplicateStageName', message, span });
    }
    if (name === 'scratch' || name === 'context') {
      const message = `Stage name should not use the same name as reserved stage "${name}"`;
      found.push({ rule: 'ReservedStageName', message, span });
    }
    seen.add(name);
    return found;
  });
}

/** One for each but the last. */
function repeatWarnings({ instructions }: Stage): readonly DockerfileWarning[] {
  return ['cmd', 'entrypoint', 'healthcheck'].flatMap((kind) =>
    instructions
      .filter((instruction) => instruction.kind === kind)
      .slice(0, -1)
      .map(({ span }) => ({
        rule: 'MultipleInstructionsDisallowed',
        message: `Multiple ${kind.toUpperCase()} instructions should not be used in the same stage because only the last one will be used`,
        span,
      })),
  );
}

/** A stage that chooses its SHELL, or starts from one that did, means it. */
function shellFormWarnings(stages: readonly Stage[]): readonly DockerfileWarning[] {
  const found: DockerfileWarning[] = [];
  const withShell = new Set<string>();
  for (const { image, name, instructions } of stages) {
    let hasShell = withShell.has(image.toLowerCase());
    for (const instruction of instructions) {
      const { kind, span, text } = instruction;
      if (kind === 'shell') hasShell = true;
      if ((kind !== 'cmd' && kind !== 'entrypoint') || hasShell || instruction.command.form === 'exec') continue;
      const message = `JSON arguments recommended for ${text.slice(0, kind.length)} to prevent unintended behavior related to OS signals`;
      found.push({ rule: 'JSONArgsRecommended', message, span });
    }
    if (name !== undefined && hasShell) withShell.add(name);
  }
  return found;
}

function casingOf(word: string): 'lower' | 'upper' | 'mixed' {
  if (word === word.toLowerCase()) return 'lower';
  return word === word.toUpperCase() ? 'upper' : 'mixed';
}
