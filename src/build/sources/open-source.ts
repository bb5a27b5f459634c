import type { AddInstruction, CopyInstruction } from '../../dockerfile/instruction.ts';
import { classifySource } from '../../dockerfile/instructions/remote-sources.ts';
import type { AddSource } from '../../dockerfile/instructions/remote-sources.ts';
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
import { inlineSource } from './inline-source.ts';
import { joinSources } from './join-sources.ts';
import type { SourceRequest } from './source-request.ts';

interface Opening {
  readonly session: Session;
  readonly plan: StagePlan;
  readonly run: StepRun;
}

/** Where a COPY or ADD reads, in the order in which it copies: the build context, a named context, an earlier stage, or an image; URLs and repositories; and the Dockerfile itself. */
export async function openTransferSource(
  opening: Opening,
  instruction: CopyInstruction | AddInstruction,
): Promise<TransferSource> {
  const parts: TransferSource[] = [];
  for (const group of groupSources(instruction)) parts.push(await openGroup(opening, instruction, group));
  if (instruction.inlineFiles.length > 0) parts.push(inlineSource(instruction.inlineFiles));
  const [first, ...others] = parts;
  if (first === undefined) throw new TypeError('a copy has at least one source');
  return joinSources([first, ...others]);
}

type SourceGroup =
  Exclude<AddSource, { kind: 'local' }> | { readonly kind: 'local'; readonly paths: readonly string[] };

/** Paths beside each other are looked for together. */
function groupSources(instruction: CopyInstruction | AddInstruction): readonly SourceGroup[] {
  if (instruction.kind === 'copy') {
    return instruction.sources.length === 0 ? [] : [{ kind: 'local', paths: instruction.sources }];
  }
  const groups: SourceGroup[] = [];
  for (const source of instruction.sources.map(classifySource)) {
    const last = groups.at(-1);
    if (source.kind !== 'local') groups.push(source);
    else if (last?.kind === 'local') groups[groups.length - 1] = { kind: 'local', paths: [...last.paths, source.path] };
    else groups.push({ kind: 'local', paths: [source.path] });
  }
  return groups;
}

async function openGroup(
  opening: Opening,
  instruction: CopyInstruction | AddInstruction,
  group: SourceGroup,
): Promise<TransferSource> {
  if (group.kind === 'local') return openOutside(opening, { ...instruction, sources: group.paths });
  if (instruction.kind !== 'add' || group.kind === 'malformed') throw new TypeError('refused when it was expanded');
  const { session, run } = opening;
  const { checksum, unpack, keepGitDir } = instruction;
  if (group.kind === 'url') {
    const { urlSource } = await import('./url-source.ts');
    return urlSource(session, run, { text: group.text, checksum, unpack: unpack === true });
  }
  const { gitSource } = await import('./git-source.ts');
  const { source } = group;
  return gitSource(session, {
    ...sourceRequest(instruction, { origin: '', hint: undefined }),
    source: { ...source, checksum: checksum ?? source.checksum },
    keepGitDir: keepGitDir ?? source.keepGitDir ?? false,
  });
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
