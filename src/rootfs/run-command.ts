import { readFileSync } from 'node:fs';
import type { RunCallbacks, RunOutcome, TerminalSize } from '../native/helper-types.ts';
import { isTbuildError, TbuildError } from '../errors.ts';
import { defaultPath } from '../sandbox/defaults.ts';
import { encodePlan } from '../sandbox/encode.ts';
import { commandEnvironment } from '../sandbox/environment.ts';
import { planSandbox } from '../sandbox/plan.ts';
import type { SandboxMount } from '../sandbox/mounts.ts';
import type { SandboxNetwork, SandboxScript, SandboxSecurity } from '../sandbox/plan.ts';
import { resolvConfContent, resolvConfPaths } from '../sandbox/resolv-conf.ts';
import { setupHint } from '../sandbox/setup-hint.ts';
import { mountOrder } from '../store/chain.ts';
import { mergedView } from '../store/merged.ts';
import type { Chain, Store } from '../store/types.ts';
import { resolveRootUser } from './accounts.ts';
import { accessOf } from './open-store.ts';
import { isUnknownFormat } from './probe-emulation.ts';
import { explainRefusal, refuseUnrunnable } from './runnable.ts';

/** A command on a chain of layers. */
export interface RootCommand extends RunCallbacks {
  readonly chain: Chain;
  /** Directory with the writable `diff/`. */
  readonly job: string;
  readonly argv: readonly string[];
  /** PATH and HOME are added where they are missing. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workdir: string;
  /** Who owns a working directory that had to be made: `docker build` gives it to the user, `docker run` to root. */
  readonly workdirOwner: 'user' | 'root';
  readonly user: string;
  readonly network: SandboxNetwork;
  /** @default as `SandboxOptions.hostname` */
  readonly hostname?: string | undefined;
  readonly scripts?: readonly SandboxScript[];
  readonly mounts?: readonly SandboxMount[];
  /** @default 'sandbox' */
  readonly security?: SandboxSecurity;
  /** @default pipes, no terminal */
  readonly terminal?: TerminalSize | undefined;
}

/** Runs a command in a sandbox on the layers, and resolves to how it ended. Throws TBUILD_SANDBOX_SETUP, TBUILD_USER_NOT_FOUND, TBUILD_FOREIGN_BINARY and TBUILD_KERNEL_TOO_OLD. */
export async function runCommand(store: Store, command: RootCommand): Promise<RunOutcome> {
  const { helper, identity } = accessOf(store);
  const view = mergedView(command.chain, (id) => store.listing(id));
  const files = { view, store, helper };
  // Nothing keeps the config of an image from elsewhere from holding a relative one.
  const workdir = command.workdir.startsWith('/') ? command.workdir : `/${command.workdir}`;
  const place = {
    name: command.argv[0] ?? '',
    searchPath: command.environment['PATH'] ?? defaultPath,
    workdir,
    covered: (command.mounts ?? []).map(({ target }) => target),
  };
  const [user] = await Promise.all([resolveRootUser(files, command.user), refuseUnrunnable(files, place)]);
  const layers = (await mountOrder(store, command.chain)).map((id) => store.diffDirectory(id));
  const plan = planSandbox({
    layers,
    job: command.job,
    identity: identity(),
    network: command.network,
    argv: command.argv,
    environment: commandEnvironment({
      image: Object.entries(command.environment).map(([name, value]) => `${name}=${value}`),
      home: user.home,
    }),
    cwd: workdir,
    cwdOwner: command.workdirOwner,
    user,
    resolvConf: systemResolvConf(command.network),
    ...(command.hostname === undefined ? {} : { hostname: command.hostname }),
    scripts: command.scripts ?? [],
    mounts: command.mounts ?? [],
    security: command.security ?? 'sandbox',
    stdin: command.stdin !== undefined,
    terminal: command.terminal,
  });
  try {
    return await helper.run(encodePlan(plan), {
      ...command,
      async onExecFailed(failure) {
        const error = isUnknownFormat(failure) ? await explainRefusal(files, place) : undefined;
        if (error !== undefined) throw error;
      },
    });
  } catch (error) {
    throw withHint(error);
  }
}

function systemResolvConf(network: SandboxNetwork): string {
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  };
  return resolvConfContent(network, { main: read(resolvConfPaths.main), resolved: read(resolvConfPaths.resolved) });
}

function withHint(error: unknown): unknown {
  if (!isTbuildError(error, 'TBUILD_SANDBOX_SETUP')) return error;
  const hint = setupHint(String(error.details['operation']), String(error.details['errno']));
  return hint === undefined
    ? error
    : new TbuildError(error.code, error.message, { hint, cause: error.cause, details: error.details });
}
