import type { StepInputs } from './inputs.ts';
import type { Miss } from './lookup.ts';

/** How a set of files changed: counts, and the first paths of each kind. */
export interface FileChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly content: readonly string[];
  readonly mode: readonly string[];
}

/** Why a step ran instead of being reused. */
export type Cause =
  | { readonly kind: 'no-cache' }
  | { readonly kind: 'first' }
  | { readonly kind: 'instruction'; readonly before: string; readonly after: string }
  | {
      readonly kind: 'environment';
      readonly name: string;
      readonly before: string | undefined;
      readonly after: string | undefined;
    }
  | {
      readonly kind: 'setting';
      readonly name: string;
      readonly before: string | undefined;
      readonly after: string | undefined;
    }
  | { readonly kind: 'files'; readonly origin: string; readonly changes: FileChanges | undefined }
  | { readonly kind: 'earlier-step'; readonly step: string | undefined }
  | { readonly kind: 'state'; readonly question: string; readonly before: string; readonly after: string }
  /** Nothing differs from the last build, but that one failed or was ended before the step had a result. */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'layer-gone' }
  | { readonly kind: 'record-gone' };

/** A step of an earlier build, as its report remembers it. */
export interface EarlierStep {
  readonly inputs: StepInputs;
  /** False when it failed, or was ended before it had a result. */
  readonly hasResult: boolean;
}

export interface CauseContext {
  readonly inputs: StepInputs;
  /** The same step in the last build of this Dockerfile, if there was one. */
  readonly earlier: EarlierStep | undefined;
  readonly miss: Miss;
  /** The nearest step below whose result changed, as people see it. */
  readonly changedBelow: string | undefined;
}

/** The nearest input that differs from the last build, in the order in which a person would look. Pure; file lists are added by the caller. */
export function findCause({ inputs, earlier, miss, changedBelow }: CauseContext): Cause {
  if (miss.kind === 'layer-gone') return { kind: 'layer-gone' };
  if (earlier === undefined) return miss.kind === 'fact' ? stateCause(miss) : { kind: 'first' };
  const before = earlier.inputs;
  // Another instruction in its place: nothing else of the two can be compared.
  if (keyword(before) !== keyword(inputs)) return { kind: 'instruction', before: before.text, after: inputs.text };
  const name = firstDifferentName(before.environment, inputs.environment);
  if (name !== undefined) {
    return { kind: 'environment', name, before: before.environment[name], after: inputs.environment[name] };
  }
  if (before.text !== inputs.text) return { kind: 'instruction', before: before.text, after: inputs.text };
  const setting = firstDifferentName(before.settings, inputs.settings);
  if (setting !== undefined) {
    return { kind: 'setting', name: setting, before: before.settings[setting], after: inputs.settings[setting] };
  }
  const changed = changedFiles(before, inputs);
  if (changed !== undefined) return { kind: 'files', origin: changed.origin, changes: undefined };
  if (miss.kind === 'fact') return stateCause(miss);
  if (before.below !== inputs.below) return { kind: 'earlier-step', step: changedBelow };
  return { kind: earlier.hasResult ? 'record-gone' : 'unfinished' };
}

/** The first of the files taken that are not those of the last build. */
export function changedFiles(
  before: StepInputs,
  inputs: StepInputs,
): { readonly index: number; readonly origin: string; readonly digestBefore: string | undefined } | undefined {
  for (const [index, { origin, digest }] of inputs.files.entries()) {
    const digestBefore = before.files[index]?.digest;
    if (digestBefore !== digest) return { index, origin, digestBefore };
  }
  const gone = before.files[inputs.files.length];
  return gone === undefined
    ? undefined
    : { index: inputs.files.length, origin: gone.origin, digestBefore: gone.digest };
}

function keyword({ text }: StepInputs): string {
  return text.split(' ', 1)[0] ?? '';
}

function stateCause(miss: Extract<Miss, { kind: 'fact' }>): Cause {
  return { kind: 'state', question: miss.question, before: miss.before, after: miss.after };
}

function firstDifferentName(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): string | undefined {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.find((name) => before[name] !== after[name]);
}

const listed = 5;

/** One sentence for a terminal. */
export function describeCause(cause: Cause): string {
  switch (cause.kind) {
    case 'no-cache':
      return '--no-cache was given';
    case 'first':
      return 'it has not been built before';
    case 'instruction':
      return `the instruction changed: it was ${quote(cause.before)}, now ${quote(cause.after)}`;
    case 'environment':
      return `the value of ${cause.name} changed: ${fromTo(cause.before, cause.after)}`;
    case 'setting':
      return `${cause.name} changed: ${fromTo(cause.before, cause.after)}`;
    case 'files':
      return cause.changes === undefined
        ? `files in ${cause.origin} changed`
        : `${describeChanges(cause.changes)} in ${cause.origin}`;
    case 'earlier-step':
      return cause.step === undefined
        ? 'an earlier step gave another result'
        : `an earlier step gave another result: ${cause.step}`;
    case 'state':
      return `what it found in the image changed: ${describeQuestion(cause.question)} was ${cause.before}, now ${cause.after}`;
    case 'unfinished':
      return 'it had no result in the last build';
    case 'layer-gone':
      return 'its layer has been removed from the store';
    case 'record-gone':
      return 'its cache record has been removed from the store';
  }
}

function describeChanges(changes: FileChanges): string {
  const parts = [
    ['added', changes.added],
    ['removed', changes.removed],
    ['content changed', changes.content],
    ['mode changed', changes.mode],
  ] as const;
  return parts
    .filter(([, paths]) => paths.length > 0)
    .map(([what, paths]) => {
      const more = paths.length > listed ? ` and ${paths.length - listed} more` : '';
      return `${what}: ${paths.slice(0, listed).join(', ')}${more}`;
    })
    .join('; ');
}

function describeQuestion(question: string): string {
  const space = question.indexOf(' ');
  return `/${question.slice(space + 1)}`;
}

function fromTo(before: string | undefined, after: string | undefined): string {
  if (before === undefined) return `it is new, ${quote(after ?? '')}`;
  return after === undefined ? `it was ${quote(before)} and is gone` : `it was ${quote(before)}, now ${quote(after)}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 117)}...` : text);
}
