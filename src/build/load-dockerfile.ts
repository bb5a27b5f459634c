import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TbuildError } from '../errors.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { parserVersion } from '../dockerfile/parser-version.ts';
import type { Store } from '../store/types.ts';
import type { ResolvedOptions } from './options.ts';

/** Reads and parses the Dockerfile. The parsed form is kept under the digest of the bytes, so that a cached build does not load the parser. */
export async function loadDockerfile(
  store: Store,
  options: ResolvedOptions,
): Promise<{ dockerfile: Dockerfile; path: string }> {
  const { path, bytes } = readDockerfile(options);
  const name = createHash('sha256').update(`${parserVersion}\n${path}\n`).update(bytes).digest('hex');
  const kept = await store.readValue('dockerfiles', name);
  if (kept !== undefined) return { dockerfile: kept as Dockerfile, path };
  const { parseDockerfile } = await import('../dockerfile/parse.ts');
  const dockerfile = parseDockerfile(bytes.toString('utf8'), path);
  await store.writeValue('dockerfiles', name, dockerfile);
  return { dockerfile, path };
}

// Far beyond any real Dockerfile; keeps a mistaken path (a disk image, say) out of memory.
const maxSize = 16 * 1024 * 1024;

function readDockerfile({ context, dockerfile }: ResolvedOptions): { path: string; bytes: Buffer } {
  if (dockerfile === '-') {
    throw new TbuildError('TBUILD_UNSUPPORTED', 'a Dockerfile from standard input (-f -) is not supported yet', {
      hint: 'write it to a file',
    });
  }
  const candidates =
    dockerfile === undefined ? [join(context, 'Dockerfile'), join(context, 'dockerfile')] : [resolve(dockerfile)];
  for (const path of candidates) {
    try {
      const bytes = readFileSync(path);
      if (bytes.length > maxSize)
        throw new TbuildError('TBUILD_DOCKERFILE_SYNTAX', `${path} has ${bytes.length} bytes: that is no Dockerfile`);
      return { path, bytes };
    } catch (cause) {
      if (cause instanceof TbuildError) throw cause;
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `${path} cannot be read`, { cause });
    }
  }
  throw new TbuildError('TBUILD_DOCKERFILE_NOT_FOUND', `there is no ${candidates[0] ?? 'Dockerfile'}`, {
    hint: 'give its path with -f; the last argument is the build context',
    details: { looked: candidates },
  });
}
