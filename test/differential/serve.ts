import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { directory, file, symlink } from '../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../fixtures/layers/tar-bytes.ts';
import type { TarRecipe } from '../../fixtures/layers/tar-bytes.ts';
import { startFileServer } from '../helpers/file-server.ts';
import { startGitServer } from '../helpers/git-server.ts';
import { writeTree } from '../helpers/tree.ts';
import type { Tree } from '../helpers/tree.ts';
import type { DifferentialCase } from './case.ts';

/** Where the contexts of cases are. */
export interface ServedContexts extends AsyncDisposable {
  /** Writes the files of a case into an empty directory and gives what the command line names. */
  give(
    each: Pick<DifferentialCase, 'context' | 'dockerfile' | 'files' | 'named'>,
    directory: string,
  ): { readonly context: string; readonly named: Readonly<Record<string, string>> };
}

export async function serveContexts(): Promise<ServedContexts> {
  const [files, git] = await Promise.all([startFileServer(), startGitServer()]);
  let served = 0;
  return {
    give({ context, dockerfile, files: tree, named }, here) {
      const all: Tree = { ...tree, Dockerfile: dockerfile };
      writeTree(here, all);
      const isOther = (source: string): boolean => source.includes('://');
      const sources = Object.entries(named).map(([name, source]) => [
        name,
        isOther(source) ? source : join(here, source),
      ]);
      const name = `c${served++}`;
      const serve = (content: string | Buffer): string => {
        files.files.set(`/${name}`, { content });
        return `${files.url}/${name}`;
      };
      const give = (): string => {
        switch (context) {
          case 'directory':
            return here;
          case 'tar':
            return serve(tarOf(...recipes(all)));
          case 'tar.gz':
            return serve(gzipSync(tarOf(...recipes(all))));
          case 'dockerfile':
            return serve(dockerfile);
          default:
            git.repository(name).commit(commitFiles(all));
            return `${git.url}/${name}.git${context.slice('git'.length)}`;
        }
      };
      return { context: give(), named: Object.fromEntries(sources) as Record<string, string> };
    },
    async [Symbol.asyncDispose]() {
      await files[Symbol.asyncDispose]();
      await git[Symbol.asyncDispose]();
    },
  };
}

function recipes(tree: Tree): readonly TarRecipe[] {
  return Object.entries(tree).map(([path, value]) => {
    if (value === null) return directory(path);
    return typeof value === 'string' || Buffer.isBuffer(value)
      ? { ...file(path, String(value)), uid: 3, gid: 4, mode: 0o640 }
      : symlink(path, value.link);
  });
}

/** Empty directories are in no commit. */
function commitFiles(tree: Tree): Record<string, string> {
  const texts = Object.entries(tree).flatMap(([path, value]): [string, string][] => {
    if (value === null) return [];
    return [[path, typeof value === 'string' || Buffer.isBuffer(value) ? String(value) : `-> ${value.link}`]];
  });
  return Object.fromEntries(texts);
}
