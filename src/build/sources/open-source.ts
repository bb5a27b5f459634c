import type { SourceSpan } from '../../errors.ts';
import type { AddInstruction, CopyInstruction } from '../../dockerfile/instruction.ts';
import { classifySource } from '../../dockerfile/instructions/remote-sources.ts';
import type { AddSource } from '../../dockerfile/instructions/remote-sources.ts';
import { openBaseImage } from '../base-image.ts';
import type { StagePlan } from '../plan.ts';
import type { Session } from '../session.ts';
import type { StepRun } from '../step-run.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import { buildContextOrigin } from '../contexts/opened-contexts.ts';
import { isTree, namedPlace, sourceIn } from './file-place.ts';
import type { FilePlace } from './file-place.ts';
import { inlineSource } from './inline-source.ts';
import { joinSources } from './join-sources.ts';
import type { SourceRequest } from './source-request.ts';

export interface SourceAccess {
  readonly session: Session;
  readonly plan: StagePlan;
  readonly run: StepRun;
}

/** What `from=` names: an earlier stage, a named context or an image; the build context when it is undefined. */
export async function openPlace(
  { session, plan, run }: SourceAccess,
  from: string | undefined,
  span: SourceSpan,
): Promise<FilePlace> {
  if (from === undefined) return { ...(await session.contexts.main()), origin: buildContextOrigin };
  const source = plan.findSource(from, span);
  if (source.kind === 'stage') {
    const { state } = await run.waitFor(session.stage(source.index));
    return { kind: 'layers', origin: `stage ${from}`, layers: state.chain };
  }
  if (source.kind === 'scratch') return { kind: 'layers', origin: 'scratch', layers: [] };
  const context = session.options.buildContexts.find(source.name);
  if (context !== undefined && isTree(context)) return namedPlace(session, from, { spec: context, tell: run.progress });
  const { chain } = await openBaseImage(session, {
    name: source.name,
    platform: plan.platform,
    span,
    stage: undefined,
    stages: plan.stageNames,
    onProgress: run.progress,
  });
  return { kind: 'layers', origin: from, layers: chain };
}

/** Where a COPY or ADD reads, in the order in which it copies: the build context, a named context, an earlier stage, or an image; URLs and repositories; and the Dockerfile itself. */
export async function openTransferSource(
  access: SourceAccess,
  instruction: CopyInstruction | AddInstruction,
): Promise<TransferSource> {
  const parts: TransferSource[] = [];
  for (const group of groupSources(instruction)) parts.push(await openGroup(access, instruction, group));
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
  access: SourceAccess,
  instruction: CopyInstruction | AddInstruction,
  group: SourceGroup,
): Promise<TransferSource> {
  if (group.kind === 'local') return openOutside(access, { ...instruction, sources: group.paths });
  if (instruction.kind !== 'add' || group.kind === 'malformed') throw new TypeError('refused when it was expanded');
  const { session, run } = access;
  const { checksum, unpack, keepGitDir } = instruction;
  if (group.kind === 'url') {
    const { urlSource } = await import('./url-source.ts');
    return urlSource(session, { text: group.text, checksum, unpack: unpack === true, tell: run.progress });
  }
  const { gitSource } = await import('./git-source.ts');
  const { source } = group;
  return gitSource(session, {
    ...requestOf(instruction, ''),
    source: { ...source, checksum: checksum ?? source.checksum },
    keepGitDir: keepGitDir ?? source.keepGitDir ?? false,
  });
}

async function openOutside(
  access: SourceAccess,
  instruction: CopyInstruction | AddInstruction,
): Promise<TransferSource> {
  const from = instruction.kind === 'copy' ? instruction.from : undefined;
  const place = await openPlace(access, from, instruction.span);
  const { session } = access;
  const { span } = instruction;
  const warn = (message: string): void =>
    session.emit({ type: 'warning', code: 'TBUILD_WARN_IGNORED_SOURCE', message, span });
  return sourceIn(place, { ...requestOf(instruction, place.origin), warn }, session.store);
}

function requestOf(instruction: CopyInstruction | AddInstruction, origin: string): SourceRequest {
  const { sources, chmod, chown, exclude, span } = instruction;
  const parents = instruction.kind === 'copy' && instruction.parents;
  return { origin, sources, exclude, parents, chmod, setsOwner: chown !== undefined, as: 'copied', span };
}
