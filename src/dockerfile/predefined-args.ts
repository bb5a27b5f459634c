import { formatPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/platform.ts';

/**
 * Build arguments that RUN sees without an ARG, and that then are in no cache key and no history (Dockerfile reference, "Predefined ARGs").
 * Expansion does not see them until ARG declares them.
 */
export const proxyArgs: readonly string[] = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap(
  (name) => [name, name.toLowerCase()],
);

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
