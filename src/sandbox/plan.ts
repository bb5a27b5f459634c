import type { TerminalSize } from '../native/helper-types.ts';
import {
  allCapabilities,
  capabilityMask,
  defaultCapabilities,
  maskedPaths,
  readonlyPaths,
  sandboxHostname,
} from './defaults.ts';
import type { Capability } from './defaults.ts';
import { hostsContent } from './hosts.ts';
import type { ExtraHost } from './hosts.ts';
import type { SandboxIdentity } from './identity.ts';
import { orderMounts } from './mounts.ts';
import type { SandboxMount } from './mounts.ts';

/** One command in a sandbox as plain data: everything that the helper's operation `run` needs, and nothing else. */
export interface SandboxPlan {
  /** Diff directories, topmost first, absolute. */
  readonly layers: readonly string[];
  /** A directory that holds `diff/`, where writes go; undefined: the root is read-only. */
  readonly job: string | undefined;
  readonly readonlyRoot: boolean;
  readonly identity: SandboxIdentity;
  readonly network: SandboxNetwork;
  readonly hostname: string;
  readonly argv: readonly [string, ...string[]];
  /** `NAME=value`, each name once. */
  readonly environment: readonly string[];
  readonly cwd: string;
  /** Who owns what of `cwd` had to be made: `docker build` gives it to the user of the command, `docker run` to root. */
  readonly cwdOwner: 'user' | 'root';
  readonly user: SandboxUser;
  /** Bit mask of the bounding set. */
  readonly capabilities: bigint;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** Read-only files that leave no trace in the job directory. */
  readonly files: readonly SandboxFile[];
  /** Executable files in /dev/pipes. */
  readonly scripts: readonly SandboxScript[];
  /** Parents first, each target once. They may cover the files. */
  readonly mounts: readonly SandboxMount[];
  readonly security: SandboxSecurity;
  /** False: the command reads /dev/null, or a terminal on which nobody types. */
  readonly stdin: boolean;
  /** Undefined: pipes, not a terminal. */
  readonly terminal: TerminalSize | undefined;
}

export type SandboxNetwork = 'host' | 'none';

/** `insecure`: every capability there is in the sandbox's user namespace, handed on to what the command executes; nothing hidden or read-only in /proc and /sys. */
export type SandboxSecurity = 'sandbox' | 'insecure';

export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, `gid` among them. */
  readonly groups: readonly number[];
}

export interface SandboxFile {
  readonly target: string;
  readonly content: string;
}

export interface SandboxScript {
  /** Without `/`. */
  readonly name: string;
  /** Bytes that are not UTF-8 are lone surrogates (util/path-bytes.ts). */
  readonly content: string;
}

export interface SandboxOptions {
  readonly layers: readonly string[];
  readonly job: string | undefined;
  readonly readonlyRoot?: boolean;
  readonly identity: SandboxIdentity;
  readonly network: SandboxNetwork;
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  readonly cwd: string;
  readonly cwdOwner: 'user' | 'root';
  readonly user: SandboxUser;
  /** What the command finds in /etc/resolv.conf: see `resolvConfContent`. */
  readonly resolvConf: string;
  /** Lines for /etc/hosts beyond those of this machine. */
  readonly extraHosts?: readonly ExtraHost[];
  /** @default 'tbuild', so that what a command records of it is the same everywhere */
  readonly hostname?: string;
  /** @default the 14 that docker leaves */
  readonly capabilities?: readonly Capability[];
  readonly scripts?: readonly SandboxScript[];
  readonly mounts?: readonly SandboxMount[];
  /** @default 'sandbox' */
  readonly security?: SandboxSecurity;
  readonly stdin?: boolean;
  readonly terminal?: TerminalSize | undefined;
}

/** Fills in the defaults. Throws `TypeError` on paths that are not absolute, an empty command, and NUL characters. */
export function planSandbox(options: SandboxOptions): SandboxPlan {
  const [program, ...rest] = options.argv;
  if (program === undefined) throw new TypeError('a sandbox needs a command');
  const { hostname = sandboxHostname, capabilities = defaultCapabilities, security = 'sandbox' } = options;
  const isInsecure = security === 'insecure';
  const plan: SandboxPlan = {
    // overlayfs refuses a directory twice; the topmost hides what the others show.
    layers: [...new Set(options.layers)],
    job: options.job,
    readonlyRoot: options.readonlyRoot ?? options.job === undefined,
    identity: options.identity,
    network: options.network,
    hostname,
    argv: [program, ...rest],
    environment: options.environment,
    cwd: options.cwd,
    cwdOwner: options.cwdOwner,
    user: options.user,
    capabilities: isInsecure ? allCapabilities : capabilityMask(capabilities),
    maskedPaths: isInsecure ? [] : maskedPaths,
    readonlyPaths: isInsecure ? [] : readonlyPaths,
    files: [
      { target: '/etc/resolv.conf', content: options.resolvConf },
      { target: '/etc/hosts', content: hostsContent(hostname, options.extraHosts ?? []) },
    ],
    scripts: options.scripts ?? [],
    mounts: orderMounts(options.mounts ?? []),
    security,
    stdin: options.stdin ?? false,
    terminal: options.terminal,
  };
  check(plan);
  return plan;
}

function check(plan: SandboxPlan): void {
  const paths = [...plan.layers, ...(plan.job === undefined ? [] : [plan.job]), plan.cwd];
  const relative = paths.find((path) => !path.startsWith('/'));
  if (relative !== undefined) throw new TypeError(`not an absolute path: ${relative}`);
  const strings = [...paths, ...plan.argv, ...plan.environment, plan.hostname];
  if (strings.some((text) => text.includes('\0')))
    throw new TypeError('a NUL character in a command, path or variable');
}
