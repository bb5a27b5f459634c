import { frontendArgument } from './frontend.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/**
 * Build arguments that RUN sees without an ARG, and that then are in no cache key and no history (Dockerfile reference, "Predefined ARGs").
 * Expansion does not see them until ARG declares them.
 */
export function isProxyArgument(name: string): boolean {
  return proxyNames.includes(name.toUpperCase());
}

/** The variables that RUN sees for them, whatever ENV says: each in capitals and in small letters, in whichever it was given. Empty ones are none. */
export function proxyVariables(buildArgs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const given = Object.entries(buildArgs).filter(([name, value]) => isProxyArgument(name) && value !== '');
  return Object.fromEntries(
    given.flatMap(([name, value]) => [
      [name.toUpperCase(), value],
      [name.toLowerCase(), value],
    ]),
  );
}

/** The name of the machine that RUN sees. */
export const hostnameArgument = 'BUILDKIT_SANDBOX_HOSTNAME';

/** Keeps the cache mounts of whoever gives it apart from everybody else's. */
export const cacheMountNamespaceArgument = 'BUILDKIT_CACHE_MOUNT_NS';

/** A git repository that is a context has `.git` in it. */
export const keepGitDirArgument = 'BUILDKIT_CONTEXT_KEEP_GIT_DIR';

/** Which checks are made, whatever the `check` line of the Dockerfile says. */
export const checkArgument = 'BUILDKIT_DOCKERFILE_CHECK';

/** Build arguments that configure the build itself, as in BuildKit; a stage sees them too, once ARG declares them. Of BuildKit's further ones nothing is known here. */
export const buildkitArgs: readonly string[] = [
  frontendArgument,
  hostnameArgument,
  cacheMountNamespaceArgument,
  keepGitDirArgument,
  checkArgument,
];

export interface BuildPlatforms {
  /** What the image is for. */
  readonly target: Platform;
  /** What the build runs on. */
  readonly build: Platform;
  /** Name of the target stage; `undefined` where it has none. */
  readonly targetStage: string | undefined;
}

/** The arguments that are there in the global scope without ARG; a stage sees them after `ARG NAME` (Dockerfile reference, "Automatic platform ARGs"). */
export function platformArgs({ target, build, targetStage }: BuildPlatforms): ReadonlyMap<string, string> {
  return new Map([...namesOf('TARGET', target), ...namesOf('BUILD', build), ['TARGETSTAGE', targetStage ?? 'default']]);
}

function namesOf(prefix: string, platform: Platform): readonly (readonly [string, string])[] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ];
}
