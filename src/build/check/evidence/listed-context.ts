import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { CopiedFile } from '../../../checks/evidence.ts';
import type { AddInstruction, CopyInstruction } from '../../../dockerfile/instruction.ts';
import type { BuildContext } from '../../../context/open-context.ts';
import type { BuildAccess } from '../../access.ts';
import { openedContexts } from '../../contexts/opened-contexts.ts';
import type { ContextPlace, LayersPlace } from '../../contexts/opened-contexts.ts';
import { selectFromChain } from '../../sources/chain-selection.ts';

/** Keys and tokens are in small files: of larger ones nothing is read. */
export const largestFile: number = 256 * 1024;

/** A build context whose files are looked at and not copied. */
export interface ListedContext {
  /** What an instruction would take of it. Throws what the build would throw. */
  list(instruction: CopyInstruction | AddInstruction, sources: readonly string[]): readonly CopiedFile[];
  /** A file of at most `largestFile` bytes that was listed, a character for each byte; undefined: it is no text, or no longer what was listed. */
  read(path: string): Promise<string | undefined>;
}

/** Throws TBUILD_CONTEXT. */
export async function openListedContext(access: BuildAccess, place: ContextPlace): Promise<ListedContext> {
  const context = await openedContexts(access, place).main();
  return context.kind === 'directory' ? listedDirectory(context.files) : listedLayers(access, context);
}

function listedDirectory(context: BuildContext): ListedContext {
  return {
    list(instruction, sources) {
      const { exclude } = instruction;
      const parents = instruction.kind === 'copy' && instruction.parents;
      return context.list(sources, { exclude, parents }).flatMap(({ isDirectory, files }) =>
        files.map(({ path, below, size }) => ({
          path,
          place: isDirectory ? below : undefined,
          cameAlong: isDirectory && !parents,
          size,
        })),
      );
    },
    read: (path) => Promise.resolve(readText(join(context.root, path))),
  };
}

/** Undefined also for what cannot be opened: a build that copies it will say why. */
function readText(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return undefined;
    const buffer = Buffer.allocUnsafe(largestFile);
    return asText(buffer.subarray(0, readSync(fd, buffer)));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** A tar, a repository or an archive that was fetched. */
function listedLayers({ store, helper }: BuildAccess, { layers }: LayersPlace): ListedContext {
  const roots = new Map<string, string>();
  return {
    list(instruction, sources) {
      const { exclude } = instruction;
      const parents = instruction.kind === 'copy' && instruction.parents;
      const unset = { chmod: undefined, setsOwner: false, span: undefined };
      const request = { ...unset, origin: 'the build context', sources, exclude, parents, as: 'copied' } as const;
      const set = selectFromChain(store, layers, request);
      return set.items.flatMap(({ entries }) => {
        const isDirectory = entries[0]?.type === 'directory';
        return entries.flatMap((entry): CopiedFile[] => {
          if (entry.type !== 'file' || entry.content.kind !== 'copy') return [];
          const { path, source } = entry.content;
          roots.set(path, set.roots[source] ?? '');
          const place = isDirectory ? entry.path : undefined;
          return [{ path, place, cameAlong: isDirectory && !parents, size: entry.size }];
        });
      });
    },
    async read(path) {
      const root = roots.get(path);
      const bytes = root === undefined ? undefined : await helper.read({ root, path, max: largestFile });
      return bytes === undefined ? undefined : asText(bytes);
    },
  };
}

function asText(bytes: Buffer): string | undefined {
  return bytes.includes(0) ? undefined : bytes.toString('latin1');
}
