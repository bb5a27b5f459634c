import type { Dockerfile } from '../dockerfile/instruction.ts';
import { buildkitArgs, isProxyArgument, platformArgs } from '../dockerfile/predefined-args.ts';
import { suggest } from '../dockerfile/suggest.ts';
import { hostPlatform } from '../oci/platform.ts';

/** Build arguments that mean something without an ARG. */
const platform = hostPlatform();
const meaningful = new Set([
  ...platformArgs({ target: platform, build: platform, targetStage: undefined }).keys(),
  ...buildkitArgs,
  'SOURCE_DATE_EPOCH',
]);

/** Names given with --build-arg that no ARG of the file declares, probably a typing mistake, each with the name that may be meant: `VERSON (did you mean VERSION?)`. */
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
  return Object.keys(buildArgs)
    .filter((name) => !declared.has(name) && !meaningful.has(name) && !isProxyArgument(name))
    .map((name) => {
      const near = suggest(name, [...declared, ...meaningful]);
      return near === undefined ? name : `${name} (did you mean ${near}?)`;
    });
}
