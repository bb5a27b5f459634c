import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Cases that others wrote are read beside the project, not kept in it. */
const root = fileURLToPath(new URL('../../../../shared/corpora/buildkit/', import.meta.url));

/** Says so where the corpus is not there. */
export function hasCorpus(): boolean {
  if (existsSync(root)) return true;
  process.stderr.write(`skipped: no corpus at ${root}\n`);
  return false;
}

export function readCorpus(path: string): string {
  return readFileSync(root + path, 'utf8');
}

export function listCorpus(path: string): readonly string[] {
  return hasCorpus() ? readdirSync(root + path) : [];
}
