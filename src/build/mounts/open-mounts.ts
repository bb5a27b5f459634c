import { TbuildError } from '../../errors.ts';
import type { TakenFiles } from '../../cache/inputs.ts';
import type { SandboxMount } from '../../sandbox/mounts.ts';
import { mountOrder } from '../../store/chain.ts';
import type { Job } from '../../store/types.ts';
import type { Cleanup } from '../../util/cleanup.ts';
import { decodePathBytes } from '../../util/path-bytes.ts';
import { keepFiles } from '../kept-files.ts';
import type { Session } from '../session.ts';
import { keptTree, treePath } from '../sources/kept-tree.ts';
import type { StepRun } from '../step-run.ts';
import { openCacheMounts } from './cache-directories.ts';
import type { PlannedMount, PlannedMounts } from './plan-mounts.ts';

/** Mounts of one command, there until `cleanup` releases them. */
export interface OpenedMounts {
  readonly mounts: readonly SandboxMount[];
  /** Secrets that are variables. They win over those of the image. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the files turned out to be. */
  readonly files: readonly TakenFiles[];
}

interface Opening {
  readonly session: Session;
  readonly run: StepRun;
  readonly job: Job;
  readonly cleanup: Cleanup;
}

/** Throws TBUILD_SECRET for a secret or agent that is required and was not given, or cannot be read. */
export async function openMounts(opening: Opening, planned: PlannedMounts): Promise<OpenedMounts> {
  const { mounts } = planned;
  const ofType = <T extends PlannedMount['type']>(type: T): readonly Extract<PlannedMount, { type: T }>[] =>
    mounts.filter((mount): mount is Extract<PlannedMount, { type: T }> => mount.type === type);
  // What may fail comes first, what others have to wait for last.
  const secrets = await openSecretMounts(opening, ofType('secret'));
  const sockets = await openSshMounts(opening, ofType('ssh'));
  const { binds, files } = await openBindMounts(opening, planned, ofType('bind'));
  const caches = await openCacheMounts(opening.session, opening.run, {
    mounts: ofType('cache'),
    cleanup: opening.cleanup,
  });
  const memory = ofType('tmpfs').map(({ target, size, readonly }): SandboxMount => {
    return { type: 'tmpfs', target, size, writable: !readonly };
  });
  const opened = { secret: secrets.mounts, ssh: sockets, bind: binds, cache: caches, tmpfs: memory };
  return { mounts: asWritten(mounts, opened), environment: secrets.environment, files };
}

/** In the order of the flags: of several with one target the last one counts. */
function asWritten(
  planned: readonly PlannedMount[],
  opened: Readonly<Record<PlannedMount['type'], readonly SandboxMount[]>>,
): readonly SandboxMount[] {
  const placeOf = (type: string, target: string): number =>
    planned.findLastIndex((mount) => mount.type === type && mount.target === target);
  return Object.entries(opened)
    .flatMap(([type, mounts]) => mounts.map((mount) => ({ mount, place: placeOf(type, mount.target) })))
    .sort((left, right) => left.place - right.place)
    .map(({ mount }) => mount);
}

type Of<T extends PlannedMount['type']> = readonly Extract<PlannedMount, { type: T }>[];

async function openSecretMounts(
  { session, cleanup }: Opening,
  secrets: Of<'secret'>,
): Promise<Pick<OpenedMounts, 'mounts' | 'environment'>> {
  const mounts: SandboxMount[] = [];
  const environment: Record<string, string> = {};
  for (const { id, target, env, required, mode, uid, gid } of secrets) {
    const value = await session.secrets.read(id);
    if (value === undefined && required) {
      throw new TbuildError('TBUILD_SECRET', `secret ${id}: not found`, {
        hint: `give it: --secret id=${id},src=FILE or --secret id=${id},env=NAME`,
        details: { id },
      });
    }
    // Without the secret the variable is there, and empty, as in docker.
    if (env !== undefined) environment[env] = variableText(id, value);
    if (value === undefined || target === undefined) continue;
    const content = Buffer.from(value);
    cleanup.defer(() => void content.fill(0));
    mounts.push({ type: 'secret', target, content, mode, uid, gid });
  }
  return { mounts, environment };
}

function variableText(id: string, value: Buffer | undefined): string {
  if (value?.includes(0) === true) {
    throw new TbuildError('TBUILD_SECRET', `secret ${id} holds a NUL byte, which no variable can`, {
      hint: 'mount it as a file: leave env= out',
      details: { id },
    });
  }
  return value === undefined ? '' : decodePathBytes(value);
}

async function openSshMounts({ session, job, cleanup }: Opening, agents: Of<'ssh'>): Promise<readonly SandboxMount[]> {
  const mounts: SandboxMount[] = [];
  for (const [index, { id, target, required, mode, uid, gid }] of agents.entries()) {
    const source = Object.hasOwn(session.options.ssh, id) ? session.options.ssh[id] : undefined;
    if (source === undefined && required) {
      throw new TbuildError('TBUILD_SECRET', `unset ssh forward key ${id}`, {
        hint: `give it: --ssh ${id}${id === 'default' ? '' : '=SOCKET'}`,
        details: { id },
      });
    }
    if (source === undefined) continue;
    const { openSshSource } = await import('../ssh/sources.ts');
    const { forwardAgent } = await import('../ssh/forward.ts');
    const name = `ssh-${index}`;
    const agent = await openSshSource(id, source);
    cleanup.use(await forwardAgent(job.path, name, agent));
    mounts.push({ type: 'socket', target, name, mode, uid, gid });
  }
  return mounts;
}

async function openBindMounts(
  { session, run }: Opening,
  planned: PlannedMounts,
  binds: Of<'bind'>,
): Promise<{ readonly binds: readonly SandboxMount[]; readonly files: readonly TakenFiles[] }> {
  const { store } = session;
  const before = (await session.earlierSteps())(run.step)?.inputs?.files ?? [];
  const mounts: SandboxMount[] = [];
  const found = new Map<string, string>();
  for (const { target, readonly, shown } of binds) {
    const { source, digest } = shown;
    const writable = !readonly;
    if (shown.kind === 'directory') {
      const index = planned.files.findIndex((files) => files.digest === digest);
      const digestBefore = before[index]?.digest;
      const tree = await keptTree(session, { source, digest, digestBefore, use: 'mounted', tell: run.progress });
      found.set(digest, tree.digest);
      mounts.push({ type: 'layers', layers: [store.diffDirectory(tree.layer)], path: treePath, target, writable });
      continue;
    }
    const layers = (await mountOrder(store, shown.layers)).map((id) => store.diffDirectory(id));
    mounts.push({ type: 'layers', layers, path: shown.path, target, writable });
    if (shown.path !== '/') await keepFiles(store, digest, source.describe(await source.select()));
  }
  const files = planned.files.map(({ origin, digest }) => ({ origin, digest: found.get(digest) ?? digest }));
  return { binds: mounts, files };
}
