import { fileURLToPath } from 'node:url';
import { TbuildError } from '../errors.ts';
import { hostnameArgument, keepGitDirArgument } from '../dockerfile/predefined-args.ts';
import { hostPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';
import type { Store } from '../store/types.ts';
import { parseContext, shownContext } from './contexts/context-spec.ts';
import type { ContextSpec } from './contexts/context-spec.ts';
import { namedContexts } from './contexts/named-contexts.ts';
import type { NamedContexts } from './contexts/named-contexts.ts';
import { entitlements } from './entitlements.ts';
import type { Entitlement, NetworkMode } from './entitlements.ts';
import type { Output } from './outputs.ts';
import type { SecretSource } from './secrets.ts';
import type { SshSource } from './ssh/sources.ts';

export interface BuildOptions {
  /**
   * Directory whose files COPY and ADD may read; or a git URL (`https://….git#ref:directory`, `git://`, `ssh://`, `user@host:path`), or an http(s) URL of an archive, or of a Dockerfile alone.
   * `-`: what `stdin` brings, a tar (also compressed) of the context or a Dockerfile alone.
   */
  readonly context: string | URL;
  /**
   * Path of the Dockerfile, absolute or relative to the working directory; in a tar or repository, relative to the root of the context. An http(s) URL. `-`: what `stdin` brings.
   * @default `Dockerfile`, then `dockerfile`, in the context
   */
  readonly dockerfile?: string | undefined;
  /** What `-` means, as context or as Dockerfile. It is read when the build starts, and not at all without a `-`. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Names for the image. They move when everything else is done. */
  readonly tags?: readonly string[] | undefined;
  /** Values for ARG instructions. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** Stage to build, by name or number. @default the last one */
  readonly target?: string | undefined;
  /** Labels added to the image. They win over LABEL instructions. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Runs every step whatever the cache holds. Results are recorded all the same. @default false */
  readonly noCache?: boolean | undefined;
  /** Network that RUN sees where it does not say. @default 'default' */
  readonly network?: NetworkMode | undefined;
  /** What `RUN --mount=type=secret` may ask for, by id. */
  readonly secrets?: Readonly<Record<string, SecretSource>> | undefined;
  /** What `RUN --mount=type=ssh` may ask for, by id; `default` is the one without a name. */
  readonly ssh?: Readonly<Record<string, SshSource>> | undefined;
  /** What RUN may ask for that is otherwise refused: `--network=host`, `--security=insecure`. @default nothing */
  readonly allow?: readonly Entitlement[] | undefined;
  /** @default the machine's */
  readonly platform?: Platform | undefined;
  /** Named contexts: a directory, a git or http(s) URL, `oci-layout://PATH[:tag|@digest]` or `docker-image://REF`. They win over stages and images of the same name. */
  readonly buildContexts?: Readonly<Record<string, string>> | undefined;
  /** What is made beside the image in the store. */
  readonly outputs?: readonly Output[] | undefined;
  /** Sets every timestamp, seconds since the epoch. @default the build argument or environment variable SOURCE_DATE_EPOCH */
  readonly sourceDateEpoch?: number | undefined;
  /** `'host'`: as root, RUN without a user namespace of its own, where idmapped mounts are impossible. @default 'auto' */
  readonly userns?: 'auto' | 'host' | undefined;
  /** First id on the host for ids of the sandbox, as root. @default 0x70000000 */
  readonly usernsStart?: number | undefined;
  /** How many commands run at once. @default four times the machine's parallelism */
  readonly concurrency?: number | undefined;
  /** @default a store opened for this build and closed after it */
  readonly store?: Store | undefined;
  /** Where that store is. @default $TBUILD_STORE, or the user's own */
  readonly storeRoot?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options after defaults: nothing below `build/` knows of defaults. */
export interface ResolvedOptions {
  readonly context: ContextSpec;
  /** Absolute, `-`, or a URL without credentials: for messages and reports. */
  readonly contextName: string;
  readonly dockerfile: string | undefined;
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  readonly tags: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  readonly network: NetworkMode;
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly ssh: Readonly<Record<string, SshSource>>;
  /** The same for fetching the build context: where nothing was given, the agent of this process (as docker build; RUN does not get that one). */
  readonly contextSsh: Readonly<Record<string, SshSource>>;
  readonly allow: readonly Entitlement[];
  readonly platform: Platform;
  readonly buildContexts: NamedContexts;
  readonly outputs: readonly Output[];
  readonly epoch: number | undefined;
  /** What RUN sees; undefined: the usual one. */
  readonly hostname: string | undefined;
  readonly userns: 'auto' | 'host';
  readonly usernsStart: number | undefined;
  readonly concurrency: number;
}

export function resolveOptions(options: BuildOptions, parallelism: number): ResolvedOptions {
  const buildArgs = options.buildArgs ?? {};
  const ssh = options.ssh ?? {};
  const keepGitDir = isTrue(buildArgs[keepGitDirArgument]);
  const context = parseContext(contextText(options.context), keepGitDir);
  if (context.kind === 'stdin' && options.dockerfile === '-') {
    throw new TbuildError('TBUILD_USAGE', "can't use stdin for both build context and dockerfile", {
      hint: 'give one of them as a path',
    });
  }
  return {
    context,
    contextName: shownContext(context),
    dockerfile: options.dockerfile,
    stdin: options.stdin,
    tags: options.tags ?? [],
    buildArgs,
    target: options.target,
    labels: options.labels ?? {},
    noCache: options.noCache ?? false,
    network: options.network ?? 'default',
    secrets: options.secrets ?? {},
    ssh,
    contextSsh: Object.keys(ssh).length > 0 ? ssh : ownAgent(),
    allow: checkAllowed(options.allow ?? []),
    platform: options.platform ?? hostPlatform(),
    buildContexts: namedContexts(options.buildContexts ?? {}),
    outputs: options.outputs ?? [],
    epoch:
      checkEpoch(options.sourceDateEpoch) ??
      parseEpoch(buildArgs['SOURCE_DATE_EPOCH'] ?? process.env['SOURCE_DATE_EPOCH']),
    hostname: checkHostname(buildArgs[hostnameArgument]),
    userns: options.userns ?? 'auto',
    usernsStart: options.usernsStart,
    concurrency: checkConcurrency(options.concurrency ?? 4 * parallelism),
  };
}

function ownAgent(): Readonly<Record<string, SshSource>> {
  const socket = process.env['SSH_AUTH_SOCK'];
  return socket === undefined || socket === '' ? {} : { default: { socket } };
}

/** As BuildKit reads it: what is no boolean means nothing. */
function isTrue(text: string | undefined): boolean {
  return /^(?:1|t|true)$/i.test(text ?? '');
}

function contextText(context: unknown): string {
  const text = context instanceof URL && context.protocol === 'file:' ? fileURLToPath(context) : context;
  if (typeof text !== 'string' && !(text instanceof URL))
    throw new TypeError(`context must be a path or a URL, not ${String(text)}`);
  if (String(text) !== '') return String(text);
  throw new TbuildError('TBUILD_USAGE', 'the build context must be a directory, or a URL, not an empty name', {
    hint: '. is the current directory',
  });
}

/** What is unknown must not pass for granted, nor for refused. */
function checkAllowed(allow: readonly Entitlement[]): readonly Entitlement[] {
  const unknown = allow.find((name) => !entitlements.includes(name));
  if (unknown === undefined) return allow;
  throw new TbuildError('TBUILD_USAGE', `unknown entitlement ${unknown as string}`, {
    hint: `there are ${entitlements.join(' and ')}`,
  });
}

function checkConcurrency(concurrency: number): number {
  if (Number.isInteger(concurrency) && concurrency > 0) return concurrency;
  throw new TypeError(`concurrency must be a whole number above 0, not ${concurrency}`);
}

function checkHostname(name: string | undefined): string | undefined {
  if (name === undefined || name === '') return undefined;
  if (/^[a-zA-Z0-9._-]{1,64}$/.test(name)) return name;
  throw new TbuildError(
    'TBUILD_USAGE',
    `${hostnameArgument} must be the name of a machine, not ${JSON.stringify(name)}`,
  );
}

function checkEpoch(epoch: number | undefined): number | undefined {
  if (epoch === undefined || (Number.isSafeInteger(epoch) && epoch >= 0)) return epoch;
  throw new TypeError(`sourceDateEpoch must be a whole number of seconds since the epoch, not ${epoch}`);
}

function parseEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new TbuildError('TBUILD_USAGE', `SOURCE_DATE_EPOCH must be a number of seconds, not ${JSON.stringify(text)}`);
}
