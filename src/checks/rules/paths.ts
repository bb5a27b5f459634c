import { cleanPath } from '../../context/clean-path.ts';
import type { BuildRule } from '../rule.ts';

export const workdirRelativePath: BuildRule = {
  over: 'build',
  name: 'WorkdirRelativePath',
  description:
    'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
  why: "A relative path is joined to the base image's working directory, which its next version may change.",
  fix: 'Begin the first WORKDIR of the stage with /.',
  *find({ looked }) {
    const chosen = new Set<number>();
    for (const { stage, base, steps } of looked) {
      let isChosen = base.kind === 'stage' && chosen.has(base.index);
      for (const { expanded, span } of steps) {
        if (expanded.kind !== 'workdir') continue;
        if (!isChosen && !expanded.path.startsWith('/')) {
          yield {
            message: `Relative workdir "${expanded.path}" can have unexpected results if the base image changes`,
            span,
          };
        }
        isChosen = true;
      }
      if (isChosen) chosen.add(stage.index);
    }
  },
};

/**
 * Docker compares the path as it is written, and so misses `./file`, and takes `COPY .` below a line `*` for a mistake, whatever a `!` line admits. Here the path is cleaned first, and what
 * is admitted further down is nothing to warn of.
 */
export const copyIgnoredFile: BuildRule = {
  over: 'build',
  name: 'CopyIgnoredFile',
  description: 'Attempting to Copy file that is excluded by .dockerignore',
  why: 'What the ignore file excludes is not in the build context: the step fails, or copies nothing.',
  fix: 'Copy something else, or admit the file with a line !PATH at the end of the ignore file.',
  *find({ looked, ignore }) {
    if (ignore === undefined) return;
    for (const { expanded, span } of looked.flatMap(({ steps }) => steps)) {
      if (expanded.kind !== 'add' && (expanded.kind !== 'copy' || expanded.from !== undefined)) continue;
      const verb = expanded.kind === 'add' ? 'Add' : 'Copy';
      for (const source of expanded.sources) {
        if (isRemote(source) || !ignore.isWhollyIgnored(inContext(source))) continue;
        yield { message: `Attempting to ${verb} file "${source}" that is excluded by .dockerignore`, span };
      }
    }
  },
};

function isRemote(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/|^git@/i.test(source);
}

/** The root of the context is empty; what leads out of it is the root of what is there. */
function inContext(source: string): string {
  return cleanPath(`/${source}`).slice(1);
}
