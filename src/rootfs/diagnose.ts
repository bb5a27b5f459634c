import { TbuildError } from '../errors.ts';
import { loadAddon } from '../native/load.ts';
import type { SandboxIdentity } from '../sandbox/identity.ts';
import type { Store } from '../store/types.ts';
import type { ImageDiagnosis } from './diagnose-image.ts';
import type { Finding } from './finding.ts';
import { systemIdentity } from './identity.ts';
import { accessOf, withStore } from './open-store.ts';

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** Which sandbox commands get, in one sentence. */
  readonly sandbox: string;
}

/** Tries out what a build needs on this machine as this user. Changes nothing but temporary files of the store. */
export async function diagnose(options: { readonly storeRoot?: string | undefined }): Promise<Diagnosis> {
  const findings: Finding[] = [];
  const check = async (what: string, body: () => Promise<Omit<Finding, 'what'>>): Promise<void> => {
    findings.push(
      await body().then(
        (found) => ({ ...found, what }),
        (error: unknown) => failure(what, error),
      ),
    );
  };
  await check('platform', () => Promise.resolve(platform()));
  let sandbox = 'none: see above';
  await check('ids', () => {
    const { sandbox: identity, reason } = systemIdentity({});
    sandbox = describe(identity);
    return Promise.resolve(
      reason === undefined ? { status: 'ok', finding: describeIds(identity) } : idWarning(identity, reason),
    );
  });
  await check('store and helper', () =>
    withStore({ root: options.storeRoot }, async (store) => {
      const { userns } = await accessOf(store).helper.info();
      return {
        status: 'ok',
        finding: `${store.root}, helper ${userns === 'none' ? 'as root' : 'in a user namespace'}`,
      };
    }),
  );
  await check('sandbox', () => trySandbox(options.storeRoot));
  const isBroken = findings.some(({ status }) => status === 'failure');
  return { findings, sandbox: isBroken ? 'none: commands cannot run until the failures above are mended' : sandbox };
}

/** Explains what an image of the store is, and what it needs of a machine. Throws TBUILD_IMAGE_NOT_FOUND. */
export async function diagnoseImage(options: {
  readonly image: string;
  readonly store?: Store | undefined;
  readonly storeRoot?: string | undefined;
}): Promise<ImageDiagnosis> {
  return withStore({ store: options.store, root: options.storeRoot }, async (store) => {
    const { examineImage } = await import('./diagnose-image.ts');
    return examineImage(store, options.image);
  });
}

function platform(): Omit<Finding, 'what'> {
  const { release, machine, seccompMode } = loadAddon().probe();
  const filtered = seccompMode === 2 ? ', inside a seccomp filter' : '';
  return { status: 'ok', finding: `Linux ${release} ${machine}, Node ${process.version}${filtered}` };
}

/** A command that does not exist ends with 127 when everything before its start has worked. */
async function trySandbox(storeRoot: string | undefined): Promise<Omit<Finding, 'what'>> {
  return withStore({ root: storeRoot }, async (store) => {
    await using job = await store.createJob();
    const { helper } = accessOf(store);
    await helper.write({ diff: job.diff, rootAttributes: { mode: 0o755, uid: 0, gid: 0, xattrs: {} }, tar: false }, []);
    const { runCommand } = await import('./run-command.ts');
    const outcome = await runCommand(store, {
      chain: [],
      job: job.path,
      argv: ['/nothing-of-this-name'],
      environment: {},
      workdir: '/',
      workdirOwner: 'root',
      user: '',
      network: 'host',
      onOutput: () => undefined,
    });
    if (outcome.kind === 'exit' && outcome.exitCode === 127) {
      return {
        status: 'ok',
        finding: 'user, mount, PID, IPC, UTS and cgroup namespaces, overlay, /proc, /dev and /sys work',
      };
    }
    return { status: 'failure', finding: `the trial ended in an unexpected way: ${JSON.stringify(outcome)}` };
  });
}

function describe(identity: SandboxIdentity): string {
  const common =
    'own mount, PID, IPC, UTS and cgroup namespaces, 14 capabilities, masked /proc and /sys; no seccomp filter yet';
  switch (identity.kind) {
    case 'idmapped':
      return `a user namespace of its own over idmapped mounts (${describeIds(identity)}), ${common}`;
    case 'nested':
      return `a nested user namespace with your subordinate ids (${describeIds(identity)}), ${common}`;
    case 'single':
      return `a user namespace with one id, ${common}`;
    case 'host':
      return `the ids of this machine (no user namespace), ${common}`;
  }
}

function describeIds(identity: SandboxIdentity): string {
  if (identity.kind === 'host') return 'as on the host';
  return identity.uidMap
    .map(({ inside, outside, count }) => `${inside}-${inside + count - 1} are ${outside}-${outside + count - 1}`)
    .join(', ');
}

function idWarning(identity: SandboxIdentity, reason: string): Omit<Finding, 'what'> {
  const remedy =
    identity.kind === 'single'
      ? 'as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER, and install the package uidmap'
      : undefined;
  return { status: 'warning', finding: reason, remedy };
}

function failure(what: string, error: unknown): Finding {
  const finding = error instanceof Error ? error.message : String(error);
  return { status: 'failure', what, finding, remedy: error instanceof TbuildError ? error.hint : undefined };
}
