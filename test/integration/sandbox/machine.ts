import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { helperOperations } from '../../../src/native/helper-operations.ts';
import type { HelperIdentity, IdRange, RunCallbacks, RunOutcome } from '../../../src/native/helper-types.ts';
import { loadAddon } from '../../../src/native/load.ts';
import { openOperation } from '../../../src/native/operation.ts';
import { packageRoot } from '../../../src/native/package-root.ts';
import { encodePlan } from '../../../src/sandbox/encode.ts';
import { planIdentity } from '../../../src/sandbox/identity.ts';
import type { Identity } from '../../../src/sandbox/identity.ts';
import { planSandbox } from '../../../src/sandbox/plan.ts';
import type { SandboxOptions, SandboxPlan } from '../../../src/sandbox/plan.ts';
import { lacks, missing } from '../../helpers/capabilities.ts';
import { makeTree } from './own-tree.ts';
import type { Tree } from '../../helpers/tree.ts';
import { makeRootfs } from './rootfs.ts';

/** A way in which sandboxes are made here: who runs the helper, and how ids are mapped. */
export interface Mode {
  readonly name: string;
  readonly identity: Identity;
  /** Whom the helper runs as; undefined: as this process. */
  readonly as: { readonly uid: number; readonly gid: number } | undefined;
}

export interface Ran {
  readonly outcome: RunOutcome;
  readonly stdout: string;
  readonly stderr: string;
  /** The job directory, with what was written in `diff/`. */
  readonly job: string;
}

type Extra = Partial<SandboxOptions> & { readonly tree?: Tree; readonly plan?: Partial<SandboxPlan> };

/** A helper in one mode, with a base layer to run commands on. */
export interface Machine {
  readonly mode: Mode;
  readonly pid: number;
  /** Belongs to whom the helper runs as. */
  readonly directory: string;
  readonly base: string;
  /** Runs a shell script. `tree` is a layer on top of the base. */
  sh(script: string, extra?: Extra, callbacks?: Partial<RunCallbacks>): Promise<Ran>;
  exec(argv: readonly string[], extra?: Extra, callbacks?: Partial<RunCallbacks>): Promise<Ran>;
  layer(tree: Tree): string;
  job(): string;
  close(): Promise<void>;
}

/** Every mode that this machine allows. What is missing is printed; with TBUILD_TEST_REQUIRE=all it throws. */
export function modes(): readonly Mode[] {
  if (lacks('user-namespaces', 'overlay')) return [];
  const facts = { subuid: read('/etc/subuid'), subgid: read('/etc/subgid'), hasMapTools: true };
  const { uid, gid, username } = userInfo();
  const self = { ...facts, uid, gid, userName: username, userns: 'auto' as const };
  const withoutRanges = { ...self, subuid: '', subgid: '' };
  if (uid !== 0) {
    const ranges = lacks('id-ranges') ? [] : [mode('an ordinary user with id ranges', planIdentity(self), undefined)];
    return [...ranges, mode('an ordinary user without id ranges', planIdentity(withoutRanges), undefined)];
  }
  // A user that nobody is, so that nothing on this machine belongs to it.
  const stranger = { uid: 64_983, gid: 64_983 };
  return [
    mode('root', planIdentity(self), undefined),
    mode('root with --userns=host', planIdentity({ ...self, userns: 'host' }), undefined),
    mode('a user without id ranges', planIdentity({ ...withoutRanges, ...stranger, userName: undefined }), stranger),
    ...userWithRanges(facts),
  ];
}

function mode(name: string, identity: Identity, as: Mode['as']): Mode {
  return { name, identity, as };
}

/** Root may act as any user that has ranges, if there is one. */
function userWithRanges(facts: { subuid: string; subgid: string; hasMapTools: boolean }): readonly Mode[] {
  const tools = missing('tool:newuidmap');
  for (const line of tools === undefined ? read('/etc/passwd').split('\n') : []) {
    const [userName = '', , uid = '', gid = ''] = line.split(':');
    if (Number(uid) === 0 || !facts.subuid.includes(`${userName}:`)) continue;
    const as = { uid: Number(uid), gid: Number(gid) };
    const identity = planIdentity({ ...facts, ...as, userName, userns: 'auto' });
    if (identity.sandbox.kind === 'nested') return [mode('a user with id ranges', identity, as)];
  }
  process.stderr.write(`skipped: sandboxes of a user with id ranges: ${tools ?? 'no user of this machine has any'}\n`);
  return [];
}

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

export async function openMachine(mode: Mode): Promise<Machine> {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-sandbox-'));
  const own = (path: string): void => {
    if (mode.as !== undefined) chownSync(path, mode.as.uid, mode.as.gid);
  };
  chmodSync(directory, 0o755);
  own(directory);
  const helper = spawnHelper(mode, directory);
  const operations = helperOperations(helper.start);
  let count = 0;
  const fresh = (name: string): string => {
    const path = join(directory, `${name}${count++}`);
    mkdirSync(path);
    chmodSync(path, 0o755);
    own(path);
    return path;
  };
  const layer = (tree: Tree): string => {
    const path = fresh('layer');
    makeTree(path, tree, mode.as);
    return path;
  };
  const job = (): string => {
    const path = fresh('job');
    mkdirSync(join(path, 'diff'));
    chmodSync(join(path, 'diff'), 0o755);
    own(join(path, 'diff'));
    return path;
  };
  const base = fresh('base');
  makeRootfs(base);
  makeTree(base, {}, mode.as);
  const exec = async (argv: readonly string[], extra: Extra = {}, callbacks: Partial<RunCallbacks> = {}) => {
    const { tree, plan: override, ...options } = extra;
    const top = tree === undefined ? [] : [layer(tree)];
    const used = options.job ?? job();
    const plan = planSandbox({
      layers: [...top, base],
      job: used,
      identity: mode.identity.sandbox,
      network: 'host',
      argv,
      environment: ['PATH=/bin', 'HOME=/'],
      cwd: '/',
      cwdOwner: 'user',
      user: { uid: 0, gid: 0, groups: [0] },
      resolvConf: 'nameserver 192.0.2.53\n',
      ...options,
    });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const outcome = await operations.run(encodePlan({ ...plan, ...override }), {
      onOutput: (stream, chunk) => void output[stream].push(Buffer.from(chunk)),
      ...callbacks,
    });
    return {
      outcome,
      stdout: Buffer.concat(output.stdout).toString(),
      stderr: Buffer.concat(output.stderr).toString(),
      job: used,
    };
  };
  return {
    mode,
    pid: helper.pid,
    directory,
    base,
    exec,
    sh: (script, extra, callbacks) => exec(['/bin/sh', '-c', script], extra, callbacks),
    layer,
    job,
    async close() {
      await helper.stop();
      // What commands and overlayfs left may belong to other ids, and the helper of this machine may be dead.
      const cleaner = spawnHelper(mode, directory);
      await helperOperations(cleaner.start).remove(readdirSync(directory).map((name) => join(directory, name)));
      await cleaner.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

function spawnHelper(mode: Mode, directory: string) {
  const addon = loadAddon();
  // A copy, since another user may not be able to reach the project.
  const program = join(directory, 'helper');
  if (!existsSync(program)) {
    copyFileSync(join(packageRoot(), 'addon/build/Release/tbuild-helper'), program);
    chmodSync(program, 0o755);
  }
  const [ours, theirs] = addon.controlSocket();
  const child: ChildProcess = spawn(program, helperArguments(mode.identity.helper), {
    ...mode.as,
    env: {},
    cwd: '/',
    stdio: ['ignore', 'ignore', 'inherit', theirs],
    detached: true,
  });
  addon.closeDescriptor(theirs);
  const exited = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  return {
    pid: child.pid ?? 0,
    start: (name: string, signal?: AbortSignal) =>
      openOperation(new Socket({ fd: addon.startOperation(ours), readable: true, writable: true }), name, {
        signal,
        lastWords: () => '',
      }),
    async stop() {
      addon.closeDescriptor(ours);
      await exited;
    },
  };
}

function helperArguments(identity: HelperIdentity): readonly string[] {
  const format = (map: readonly IdRange[]): string =>
    map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(',');
  switch (identity.kind) {
    case 'root':
      return ['--userns=none'];
    case 'mapped':
      return ['--userns=new', `--uid-map=${format(identity.uidMap)}`, `--gid-map=${format(identity.gidMap)}`];
    case 'single':
      return ['--userns=new', '--single', `--uid-map=0 ${identity.uid} 1`, `--gid-map=0 ${identity.gid} 1`];
  }
}
