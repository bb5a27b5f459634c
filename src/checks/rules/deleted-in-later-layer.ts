import type { LookedStep } from '../looked.ts';
import type { EvidenceInput, EvidenceRule } from '../rule.ts';
import type { Deletion } from '../evidence.ts';
import { removedPaths } from '../removed-paths.ts';
import { runCommands } from '../run-commands.ts';
import { targetChain } from '../target-chain.ts';
import { formatBytes, shortText, shownPath } from '../words.ts';
import { filesWritten, writtenPaths } from '../written-paths.ts';

export const deletedInLaterLayer: EvidenceRule = {
  over: 'evidence',
  name: 'DeletedInLaterLayer',
  description: 'Files should be deleted in the step that writes them',
  why: 'A layer only hides what is in the layers below it: the files are still in the image, are pulled with it, and can be read by whoever has it.',
  fix: 'Write, use and delete them in one RUN; mount what only a command needs, with RUN --mount=type=bind; or build in a stage of its own and copy the result.',
  *find(input) {
    const chain = targetChain(input);
    for (const [index, step] of chain.entries()) {
      const below = chain.slice(0, index);
      const known = input.evidence.deletions.get(step);
      const read = readFromText(step, below, input);
      // What the layers show counts; a few bytes that are not even in the text are nothing to speak of.
      const deletions =
        known === undefined
          ? read
          : known.filter(({ bytes, writer }) => bytes >= leastBytes || read.some((each) => each.writer === writer));
      for (const deletion of deletions) yield { message: describe(step, deletion), span: step.span };
    }
  },
};

const leastBytes = 64 * 1024;

type ReadDeletion = Pick<Deletion, 'writer' | 'path'> & Partial<Deletion>;

/** What `rm` names and an earlier instruction says that it writes. */
function readFromText(
  { expanded, draft }: LookedStep,
  below: readonly LookedStep[],
  { evidence }: EvidenceInput,
): readonly ReadDeletion[] {
  if (expanded.kind !== 'run') return [];
  const commands = runCommands(expanded, draft.config.WorkingDir ?? '/');
  const own = new Set(commands.flatMap(filesWritten));
  const removed = commands.flatMap(removedPaths).filter((path) => !own.has(path));
  if (removed.length === 0) return [];
  return below.flatMap((writer): readonly ReadDeletion[] => {
    const written = writtenPaths(writer, evidence.copied.get(writer));
    const hidden = written.filter(({ path }) => removed.some((gone) => path === gone || path.startsWith(`${gone}/`)));
    const [first] = hidden;
    if (first === undefined) return [];
    const sizes = hidden.map(({ size }) => size);
    if (sizes.includes(undefined)) return [{ writer, path: first.path }];
    const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    return [{ writer, path: first.path, files: hidden.length, bytes }];
  });
}

function describe({ instruction }: LookedStep, { writer, path, files, bytes }: ReadDeletion): string {
  const isOne = files === undefined || files === 1;
  const size = bytes === undefined ? '' : ` (${formatBytes(bytes)})`;
  const what = isOne ? `${shownPath(path)}${size}` : `${files} files${size} such as ${shownPath(path)}`;
  const where = `"${shortText(writer.instruction.text)}" in line ${writer.span.line}`;
  return `"${shortText(instruction.text)}" deletes ${what}, which ${where} has put into a layer below: ${isOne ? 'it stays' : 'they stay'} in the image`;
}
