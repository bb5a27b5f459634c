import { expandInstruction } from '../dockerfile/expand-instruction.ts';
import type { VariableReferences } from '../dockerfile/expand.ts';
import type { Dockerfile, Instruction } from '../dockerfile/instruction.ts';
import { parseInstruction, triggerKinds } from '../dockerfile/parse-instruction.ts';
import type { RawInstruction } from '../dockerfile/raw-instruction.ts';
import { resolveArgs } from '../dockerfile/resolve-args.ts';
import { splitCommand } from '../dockerfile/split-command.ts';
import type { ResolvedStage, ResolvedStages } from '../dockerfile/stages.ts';
import { isTbuildError } from '../errors.ts';
import type { SourceSpan, TbuildError } from '../errors.ts';
import { applyInstruction } from '../image/apply-instruction.ts';
import { draftFromStage, onbuildTriggers, scratchDraft, visibleVariables } from '../image/draft.ts';
import type { ImageDraft } from '../image/draft.ts';
import type { Platform } from '../oci/platform.ts';
import type { LookedStage, LookedStep, UndefinedNames } from './looked.ts';
import type { TextInput } from './rule.ts';

/** What the config of a base image says. */
export interface BaseConfig {
  readonly draft: ImageDraft;
  readonly triggers: readonly string[];
}

export interface Looking {
  readonly dockerfile: Dockerfile;
  readonly resolved: ResolvedStages;
  /** Which stages, by index, ascending; with each the stages that it is based on. */
  readonly indexes: readonly number[];
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly platform: Platform;
  /** Of the stages on images, by index. Those that are not known are missing. */
  readonly bases: ReadonlyMap<number, BaseConfig>;
  readonly text: TextInput;
}

export interface Looked {
  readonly stages: readonly LookedStage[];
  /** Why the build would fail; undefined where nothing is known to be wrong. */
  readonly problem: TbuildError | undefined;
}

/** Goes through stages as a build would, without doing anything: what each instruction sees, and what it comes to. */
export function lookInto(looking: Looking): Looked {
  const raws = new Map(looking.text.instructions.map((raw) => [raw.span.line, raw]));
  const ends = new Map<number, StageEnd>();
  const stages: LookedStage[] = [];
  let problem: TbuildError | undefined;
  for (const index of looking.indexes) {
    const resolved = looking.resolved.stages[index];
    if (resolved === undefined) throw new TypeError(`there is no stage ${index}`);
    const start = startOf(looking, resolved, ends);
    const { stage, base } = resolved;
    const { isBaseKnown } = start;
    const { end, problem: found, ...seen } = walk(looking, resolved, { start, raws });
    problem ??= found;
    ends.set(index, { ...end, isBaseKnown });
    stages.push({ stage, base, isBaseKnown, ...seen });
  }
  return { stages, problem };
}

interface StageEnd {
  readonly draft: ImageDraft;
  /** Names that ARG has declared, whether or not they have a value. */
  readonly declared: ReadonlySet<string>;
  readonly isBaseKnown: boolean;
}

interface StageStart extends StageEnd {
  readonly triggers: readonly string[];
}

function startOf(looking: Looking, { stage, base }: ResolvedStage, ends: ReadonlyMap<number, StageEnd>): StageStart {
  const nothing = { draft: scratchDraft(looking.platform), declared: new Set<string>(), triggers: [] };
  switch (base.kind) {
    case 'scratch':
      return { ...nothing, isBaseKnown: true };
    case 'stage': {
      const end = ends.get(base.index);
      if (end === undefined) throw new TypeError(`stage ${base.index} is looked into before its dependents`);
      return { ...end, draft: draftFromStage(end.draft), triggers: onbuildTriggers(end.draft) };
    }
    case 'image': {
      const config = looking.bases.get(stage.index);
      return config === undefined ? { ...nothing, isBaseKnown: false } : { ...nothing, ...config, isBaseKnown: true };
    }
  }
}

interface Walk {
  readonly start: StageStart;
  readonly raws: ReadonlyMap<number, RawInstruction>;
}

interface Walked extends Pick<LookedStage, 'steps' | 'undefinedNames'> {
  readonly end: Omit<StageEnd, 'isBaseKnown'>;
  readonly problem: TbuildError | undefined;
}

function walk(looking: Looking, { stage }: ResolvedStage, { start, raws }: Walk): Walked {
  const steps: LookedStep[] = [];
  const undefinedNames: UndefinedNames[] = [];
  let { draft } = start;
  const declared = new Set(start.declared);
  let problem: TbuildError | undefined;
  try {
    for (const { instruction, raw, span } of work(stage, start.triggers, raws)) {
      const references: VariableReferences = { used: new Set(), unset: new Set() };
      const before = draft;
      try {
        const expanded = expand(looking, { draft, instruction, references });
        steps.push({ instruction, expanded, draft, raw, span });
        // No rule reads the history, which grows with every instruction.
        draft = { ...applyInstruction(draft, expanded, { args: [], madeLayer: false }), history: [] };
      } finally {
        // Docker does not look at those of EXPOSE: with `error=true` it must build what docker builds.
        const unset = instruction.kind === 'expose' ? [] : [...references.unset];
        const names = unset.filter((name) => !declared.has(name));
        if (names.length > 0) undefinedNames.push({ names, draft: before, span });
      }
      if (instruction.kind === 'arg') for (const { name } of instruction.args) declared.add(name);
    }
  } catch (error) {
    if (!isTbuildError(error)) throw error;
    problem = error;
  }
  return { steps, undefinedNames, end: { draft, declared }, problem };
}

interface Work {
  readonly instruction: Instruction;
  readonly raw: LookedStep['raw'];
  readonly span: SourceSpan;
}

function* work(
  { span, instructions }: ResolvedStage['stage'],
  triggers: readonly string[],
  raws: ReadonlyMap<number, RawInstruction>,
): Generator<Work> {
  for (const trigger of triggers) {
    const command = splitCommand(trigger);
    const raw = { ...command, name: command.keyword.toLowerCase() };
    yield { instruction: parseInstruction(trigger, { file: span.file, span, allowed: triggerKinds }), raw, span };
  }
  for (const instruction of instructions) {
    const raw = raws.get(instruction.span.line);
    if (raw === undefined) throw new TypeError(`there is no instruction in line ${instruction.span.line}`);
    yield { instruction, raw, span: instruction.span };
  }
}

interface Expansion {
  readonly draft: ImageDraft;
  readonly instruction: Instruction;
  readonly references: VariableReferences;
}

function expand(
  { buildArgs, resolved, dockerfile }: Looking,
  { draft, instruction, references }: Expansion,
): Instruction {
  const env = visibleVariables(draft);
  const { escape } = dockerfile;
  return instruction.kind === 'arg'
    ? resolveArgs(instruction, { env, buildArgs, outer: resolved.globalArgs, escape, references })
    : expandInstruction(instruction, env, escape, references);
}
