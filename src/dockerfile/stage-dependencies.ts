import { TbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';
import { findCopySource } from './find-stage.ts';
import type { StageNames, StageSource } from './find-stage.ts';
import type { Instruction, Stage } from './instruction.ts';
import { parseInstruction } from './parse-instruction.ts';
import { sourceNames } from './source-names.ts';

interface StageWithBase {
  readonly stage: Stage;
  readonly base: StageSource;
}

/** What a stage reads from another one, and where the file says so. */
interface Edge {
  readonly to: number;
  readonly span: SourceSpan;
}

/** The stages that each stage reads from. Throws TBUILD_STAGE_CYCLE even where the target needs none of the cycle, as docker does. */
export function findDependencies(stages: readonly StageWithBase[], names: StageNames): readonly (readonly number[])[] {
  const all = stages.map(({ stage }) => stage);
  const edges = stages.map(({ stage, base }) => {
    const found: Edge[] = base.kind === 'stage' ? [{ to: base.index, span: stage.span }] : [];
    for (const { name, span } of [...triggerSources(all, base), ...stage.instructions.flatMap(namedSources)]) {
      const source = findCopySource(names, name, span);
      if (source.kind === 'stage') found.push({ to: source.index, span });
    }
    return found;
  });
  refuseCycle(all, edges);
  return edges.map((found) => [...new Set(found.map(({ to }) => to))].toSorted((left, right) => left - right));
}

/** Throws TBUILD_STAGE_NOT_FOUND where one of these stages copies from one that is defined only after it. */
export function findReachable(
  stages: readonly Stage[],
  dependencies: readonly (readonly number[])[],
  target: number,
): readonly number[] {
  const reachable = new Set<number>();
  const waiting = [target];
  for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
    if (reachable.has(index)) continue;
    reachable.add(index);
    const needed = dependencies[index] ?? [];
    const late = needed.find((other) => other > (index ?? 0));
    if (late !== undefined) throw definedLater(stages, index, late);
    waiting.push(...needed);
  }
  return [...reachable].toSorted((left, right) => left - right);
}

interface NamedSource {
  readonly name: string;
  readonly span: SourceSpan;
}

function namedSources(instruction: Instruction): readonly NamedSource[] {
  return sourceNames(instruction).map((name) => ({ name, span: instruction.span }));
}

/** ONBUILD of a base in the same file fires in this stage. */
function triggerSources(stages: readonly Stage[], base: StageSource): readonly NamedSource[] {
  const instructions = base.kind === 'stage' ? (stages[base.index]?.instructions ?? []) : [];
  return instructions.flatMap((instruction) => {
    if (instruction.kind !== 'onbuild' || !/from=/i.test(instruction.trigger)) return [];
    const { span, trigger } = instruction;
    return namedSources(parseInstruction(trigger, { file: span.file, span }));
  });
}

function refuseCycle(stages: readonly Stage[], edges: readonly (readonly Edge[])[]): void {
  const state = new Map<number, 'open' | 'done'>();
  for (const root of stages.keys()) {
    // A path as an explicit stack: a file may chain more stages than the call stack is deep.
    const path = [{ index: root, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      if (top.next === 0 && state.get(top.index) === 'done') {
        path.pop();
        continue;
      }
      state.set(top.index, 'open');
      const edge = edges[top.index]?.[top.next++];
      if (edge === undefined) {
        state.set(top.index, 'done');
        path.pop();
      } else if (state.get(edge.to) === 'open') {
        const start = path.findIndex(({ index }) => index === edge.to);
        const circle = path.slice(start).map(({ index, next }) => ({ index, edge: edges[index]?.[next - 1] ?? edge }));
        throw circular(stages, circle);
      } else if (state.get(edge.to) !== 'done') path.push({ index: edge.to, next: 0 });
    }
  }
}

const named = 5;

function circular(
  stages: readonly Stage[],
  circle: readonly { readonly index: number; readonly edge: Edge }[],
): TbuildError {
  const [first] = circle;
  const ways = circle
    .slice(0, named)
    .map(
      ({ index, edge }) => `${nameOf(stages, index)} reads from ${nameOf(stages, edge.to)} in line ${edge.span.line}`,
    );
  const more = circle.length > named ? [`and ${circle.length - named} more`] : [];
  const hint =
    circle.length === 1
      ? 'A stage cannot copy from itself. Name an earlier stage, or an image.'
      : `${[...ways, ...more].join(', ')}. Break the circle with a stage that both copy from.`;
  const stage = nameOf(stages, first?.index ?? 0);
  return new TbuildError('TBUILD_STAGE_CYCLE', `circular dependency detected on stage: ${stage}`, {
    span: first?.edge.span,
    hint,
  });
}

/** @param span of the copy; by default the first one of the stage */
export function definedLater(stages: readonly Stage[], index: number, later: number, span?: SourceSpan): TbuildError {
  const [stage, needed] = [nameOf(stages, index), nameOf(stages, later)];
  const place =
    span ?? stages[index]?.instructions.find(({ text }) => /from=/i.test(text))?.span ?? stages[index]?.span;
  return new TbuildError(
    'TBUILD_STAGE_NOT_FOUND',
    `cannot copy from stage "${needed}", it needs to be defined before current stage "${stage}"`,
    { span: place, hint: `Move stage ${needed} above stage ${stage}.` },
  );
}

function nameOf(stages: readonly Stage[], index: number): string {
  return stages[index]?.name ?? String(index);
}
