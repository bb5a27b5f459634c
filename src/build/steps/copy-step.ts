import { dirname, join } from 'node:path';
import type { AddInstruction, CopyInstruction } from '../../dockerfile/instruction.ts';
import { parseChmod } from '../../dockerfile/chmod-mode.ts';
import { redactUrl } from '../../dockerfile/redact-url.ts';
import { factReader } from '../../cache/facts.ts';
import type { FactReader } from '../../cache/facts.ts';
import type { PlannedStep } from '../../graph/plan.ts';
import type { EarlierLayer, WriteEntry } from '../../native/helper-types.ts';
import { isTbuildError } from '../../errors.ts';
import type { StepInputs } from '../../cache/inputs.ts';
import { sourceNames } from '../../image/created-by.ts';
import { resolveWorkdir } from '../../image/apply-instruction.ts';
import type { LayerStep } from '../layer-step.ts';
import { resolveOwner } from '../../rootfs/accounts.ts';
import type { Session } from '../session.ts';
import type { StageState, StateAccess } from '../stage-state.ts';
import type { StepRun } from '../step-run.ts';
import type { CopyPlan } from '../transfer/plan-copy.ts';
import type { Ownership } from '../transfer/placer.ts';
import type { ChangedSource, SourceSet } from '../transfer/source.ts';
import { epochSetting } from './settings.ts';

/** Where the files of a COPY or ADD come from. */
export interface TransferSource {
  /** `the build context`, `stage build`, an image reference: for people. */
  readonly origin: string;
  /** Digest of all that the result depends on; cheap when nothing has changed. */
  readonly digest: () => Promise<string>;
  readonly select: () => Promise<SourceSet>;
  /** What identifies things from elsewhere (URLs, repositories), by what they are called: settings of the step, so that `cache why` can name them. */
  readonly remote?: () => Promise<Readonly<Record<string, string>>>;
  /** The set after the helper found that files were not what their digests said. */
  readonly withChanges: (set: SourceSet, changed: readonly ChangedSource[]) => SourceSet | Promise<SourceSet>;
  /** Readable description, kept for `cache why`. */
  readonly describe: (set: SourceSet) => string;
  /** What an error of the helper means, where that is known better here. */
  readonly explain: (error: unknown) => unknown;
  /** Gives back what `select` holds: call it when the step is over. */
  readonly release?: (() => Promise<void>) | undefined;
}

interface Transfer {
  readonly session: Session;
  readonly state: StageState;
  readonly access: StateAccess;
  readonly run: StepRun;
}

/** COPY and ADD as a layer: what is written is planned from listings; the helper only writes it. */
export async function transferStep(
  { session, state, access, run }: Transfer,
  instruction: CopyInstruction | AddInstruction,
  source: TransferSource,
): Promise<LayerStep> {
  const destination = absoluteDestination(state, instruction.destination);
  const inputsFor = (digest: string, remote: Readonly<Record<string, string>>): StepInputs => ({
    text: redactUrl(`${instruction.kind.toUpperCase()} ${sourceNames(instruction).join(' ')} ${destination}`),
    environment: {},
    settings: {
      ...remote,
      ...(instruction.chown === undefined ? {} : { '--chown': instruction.chown }),
      ...(instruction.chmod === undefined ? {} : { '--chmod': instruction.chmod }),
      ...(instruction.link ? { '--link': 'true' } : {}),
      ...(instruction.kind === 'add' && instruction.unpack !== undefined
        ? { '--unpack': `${instruction.unpack}` }
        : {}),
      ...epochSetting(session.options.epoch),
    },
    files: [{ origin: source.origin, digest }],
    below: undefined,
  });
  const { digest, remote } = await identify(source);
  return {
    release: source.release,
    inputs: inputsFor(digest, remote),
    describeFiles: async () => source.describe(await source.select()),
    async execute(job) {
      const set = await source.select();
      // --link stands on nothing: its layer must be the same whatever is below (Dockerfile reference, "COPY --link").
      const reader: FactReader = instruction.link ? factReader({ find: () => undefined }) : access.reader();
      // Names are looked up in the state all the same.
      const names = instruction.link ? access.reader() : reader;
      const ownership = await ownershipOf(instruction, { names, access, session });
      const plan =
        instruction.kind === 'add'
          ? (await import('../transfer/plan-add.ts')).planAdd
          : (await import('../transfer/plan-copy.ts')).planCopy;
      const unpack = instruction.kind === 'add' && instruction.unpack !== false;
      const origins: Origins = new Map();
      const {
        entries,
        rootAttributes,
        changed: changedArchives,
      } = plan({ items: set.items, destination, ownership, roots: set.roots, unpack, helper: session.helper }, reader);
      const { keepFiles } = await import('../kept-files.ts');
      const reuse = await earlierLayer(session, run.step);
      // Nothing is awaited between here and `allSettled`: a failure must not go unhandled.
      const written = session.helper.write(
        {
          diff: job.diff,
          rootAttributes,
          epoch: session.options.epoch,
          signal: session.signal,
          sources: set.roots,
          reuse,
          onProgress: copyProgress(instruction, set, run),
        },
        noteOrigins(entries, origins),
      );
      // Beside the writing, which another process does. Both have ended before the step has; how the writing ended counts first.
      const keeping = keepFiles(session.store, set.digest, source.describe(set));
      const [writing, kept] = await Promise.allSettled([written, keeping]);
      if (writing.status === 'rejected') throw source.explain(writing.reason);
      if (kept.status === 'rejected') throw kept.reason;
      const diff = writing.value;
      const facts = names.facts();
      const changed = [
        ...diff.changed.map(({ sha256, size, path }) => ({
          ...(origins.get(path) ?? { root: 0, path }),
          sha256,
          size,
        })),
        ...changedArchives,
      ];
      const final = changed.length > 0 ? await source.withChanges(set, changed) : set;
      if (final !== set) await keepFiles(session.store, final.digest, source.describe(final));
      const inputs = final.digest === digest ? undefined : inputsFor(final.digest, (await source.remote?.()) ?? {});
      return { diff, readSet: { kind: 'facts', facts }, inputs };
    },
  };
}

async function identify(
  source: TransferSource,
): Promise<{ readonly digest: string; readonly remote: Readonly<Record<string, string>> }> {
  try {
    return { digest: await source.digest(), remote: (await source.remote?.()) ?? {} };
  } catch (error) {
    await source.release?.();
    throw error;
  }
}

function copyProgress(
  { kind }: CopyInstruction | AddInstruction,
  { items }: SourceSet,
  run: StepRun,
): (bytes: number) => void {
  let total: number | undefined;
  return (bytes) => {
    // How much an archive of ADD holds shows when it is unpacked.
    if (kind === 'copy') total ??= contentSize(items);
    // A file that changed meanwhile is read twice.
    run.progress('files', total === undefined ? bytes : Math.min(bytes, total), total);
  };
}

function contentSize(items: SourceSet['items']): number {
  let total = 0;
  for (const { entries } of items) {
    for (const entry of entries) if (entry.type === 'file' && entry.hardlink === undefined) total += entry.size;
  }
  return total;
}

/** What the step made in the last build: files that are the same are shared with it. Leased; undefined when it is gone or damaged. */
async function earlierLayer({ store, earlierSteps }: Session, step: PlannedStep): Promise<EarlierLayer | undefined> {
  const layer = (await earlierSteps())(step)?.layer;
  if (layer === undefined || (await store.lease([layer]))[0] !== true) return undefined;
  try {
    // Opening it verifies it.
    store.listing(layer);
  } catch (error) {
    if (isTbuildError(error) && error.code === 'TBUILD_STORE_CORRUPT') return undefined;
    throw error;
  }
  const diff = store.diffDirectory(layer);
  return { diff, listing: join(dirname(diff), 'listing') };
}

/** Which root of the sources, and where in it, by path in the layer. */
type Origins = Map<string, { readonly root: number; readonly path: string }>;

/** Remembers where each copied file comes from: the helper names what has changed by its place in the layer. */
function noteOrigins(entries: CopyPlan['entries'], origins: Origins): CopyPlan['entries'] {
  const note = (entry: WriteEntry): WriteEntry => {
    if (entry.type === 'file' && entry.content.kind === 'copy') {
      origins.set(entry.path, { root: entry.content.source, path: entry.content.path });
    }
    return entry;
  };
  return Symbol.asyncIterator in entries ? mapAsync(entries, note) : map(entries, note);
}

function* map<T>(values: Iterable<T>, change: (value: T) => T): Generator<T, void, undefined> {
  for (const value of values) yield change(value);
}

async function* mapAsync<T>(values: AsyncIterable<T>, change: (value: T) => T): AsyncGenerator<T, void, undefined> {
  for await (const value of values) yield change(value);
}

function absoluteDestination(state: StageState, destination: string): string {
  const isDirectory = destination.endsWith('/') || destination === '.' || destination.endsWith('/.');
  const path = destination.startsWith('/') ? destination : resolveWorkdir(state.draft.config.WorkingDir, destination);
  return isDirectory && !path.endsWith('/') ? `${path}/` : path;
}

interface OwnershipSources {
  /** Where facts about names are noted. */
  readonly names: FactReader;
  readonly access: StateAccess;
  readonly session: Session;
}

async function ownershipOf(
  { chown, chmod, link }: CopyInstruction | AddInstruction,
  { names, access, session }: OwnershipSources,
): Promise<Ownership> {
  const files = { view: access.view(), store: session.store, helper: session.helper };
  return {
    owner: chown === undefined ? undefined : await resolveOwner(files, chown, names),
    chmod: chmod === undefined ? undefined : parseChmod(chmod),
    // The mode is one for files. docker links nothing then, so that the directories on the way stay as they are.
    replaced: link && chmod !== undefined ? (path) => names.component(path) : undefined,
  };
}
