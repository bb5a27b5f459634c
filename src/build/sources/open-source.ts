import type { AddInstruction, CopyInstruction } from '../../dockerfile/instruction.ts';
import { openBaseImage } from '../base-image.ts';
import { openBuildContext } from '../context.ts';
import { parseNamedContext } from '../named-contexts.ts';
import type { LayerState } from '../../store/types.ts';
import type { StagePlan } from '../plan.ts';
import type { Session } from '../session.ts';
import type { StepRun } from '../step-run.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import { chainSource } from './chain-source.ts';
import { contextSource } from './context-source.ts';
import { inlineSource, withInlineFiles } from './inline-source.ts';
import type { SourceRequest } from './source-request.ts';

interface Opening {
  readonly session: Session;
  readonly plan: StagePlan;
  readonly run: StepRun;
}

/** Where a COPY or ADD reads: the build context, a named context, an earlier stage, or an image, and the Dockerfile itself. */
export async function openTransferSource(
  opening: Opening,
  instruction: CopyInstruction | AddInstruction,
): Promise<TransferSource> {
  const { sources, inlineFiles } = instruction;
  if (sources.length === 0) return inlineSource(inlineFiles);
  return withInlineFiles(await openOutside(opening, instruction), inlineFiles);
}

async function openOutside(
  { session, plan, run }: Opening,
  instruction: CopyInstruction | AddInstruction,
): Promise<TransferSource> {
  const { span } = instruction;
  const from = instruction.kind === 'copy' ? instruction.from : undefined;
  const request = (origin: string, hint?: string): SourceRequest => sourceRequest(instruction, { origin, hint });
  if (from === undefined) {
    const opened = await session.context();
    const origin = 'the build context';
    return opened.kind === 'directory'
      ? contextSource(opened.files, request(origin))
      : chainSource(session.store, opened.layers, request(origin, layersHint(opened.layers)));
  }
  const named = session.options.buildContexts[from];
  const context = named === undefined ? undefined : parseNamedContext(from, named);
  if (context?.kind === 'directory') {
    const opened = await openBuildContext(session.store, {
      root: context.path,
      dockerfile: undefined,
      signal: session.signal,
    });
    return contextSource(opened, request(`the named context ${from}`));
  }
  const source = plan.findSource(from, span);
  if (source.kind === 'stage') {
    const { state } = await run.waitFor(session.stage(source.index));
    return chainSource(session.store, state.chain, request(`stage ${from}`));
  }
  if (source.kind === 'scratch') return chainSource(session.store, [], request('scratch'));
  const { chain } = await openBaseImage(session, {
    name: from,
    platform: plan.platform,
    span,
    stages: plan.stageNames,
    onProgress: run.progress,
  });
  return chainSource(session.store, chain, request(from));
}

function sourceRequest(
  instruction: CopyInstruction | AddInstruction,
  { origin, hint }: { readonly origin: string; readonly hint: string | undefined },
): SourceRequest {
  const { sources, chmod, chown, exclude, span } = instruction;
  const parents = instruction.kind === 'copy' && instruction.parents;
  return { origin, sources, exclude, parents, chmod, setsOwner: chown !== undefined, span, hint };
}

function layersHint(layers: readonly LayerState[]): string {
  return layers.length > 0
    ? 'paths are relative to the root of the tar, and all that is in it counts, whatever .dockerignore says'
    : 'standard input brought a Dockerfile alone: give a directory too, and the Dockerfile with -f -';
}
