import { check, readForRules } from '../../checks/check-dockerfile.ts';
import type { Finding } from '../../checks/finding.ts';
import { decodePathBytes } from '../../util/path-bytes.ts';
import { overriddenDirectives } from '../load-dockerfile.ts';
import { checkOptionsOf } from './findings.ts';
import type { FindingsRequest } from './findings.ts';

/** Asks the rules about a build under way. */
export async function findInBuild(request: FindingsRequest): Promise<readonly Finding[]> {
  const { options, input, resolved, seen, ignore } = request;
  const { dockerfile, path, bytes } = input;
  const { text } = readForRules(decodePathBytes(bytes), path, overriddenDirectives(options.buildArgs));
  const build = {
    dockerfile,
    resolved,
    indexes: resolved.reachable,
    buildArgs: new Map(Object.entries(options.buildArgs)),
    platform: options.platform,
    bases: seen.bases,
    images: seen.images,
    ignore,
  };
  // What is wrong beside fails the build by itself.
  return check(text, build, await checkOptionsOf(dockerfile, options.buildArgs)).findings;
}
