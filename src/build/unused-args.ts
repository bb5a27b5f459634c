import type { Dockerfile } from '../dockerfile/instruction.ts';
import { platformArgs, proxyArgs } from '../dockerfile/predefined-args.ts';
import { hostPlatform } from '../oci/platform.ts';

/** Build arguments that mean something without an ARG. */
const platform = hostPlatform();
const meaningful = new Set([
  ...proxyArgs,
  ...platformArgs({ target: platform, build: platform, targetStage: undefined }).keys(),
  'SOURCE_DATE_EPOCH',
]);

/** Names given with --build-arg that no ARG of the file declares: probably a typing mistake. */
export function unusedBuildArgs(
  dockerfile: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
): readonly string[] {
  const declared = new Set<string>();
  for (const instruction of [
    ...dockerfile.globalArgs,
    ...dockerfile.stages.flatMap(({ instructions }) => instructions),
  ]) {
    if (instruction.kind === 'arg') for (const { name } of instruction.args) declared.add(name);
  }
  return Object.keys(buildArgs).filter(
    (name) => !declared.has(name) && !meaningful.has(name) && !name.startsWith('BUILDKIT_'),
  );
}
