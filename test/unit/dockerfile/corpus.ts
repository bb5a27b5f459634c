import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corporaDirectory, lacks } from '../../helpers/capabilities.ts';

/** Cases that others wrote are read beside the project, not kept in it. */
export function hasCorpus(): boolean {
  return !lacks('corpora');
}

export function readCorpus(path: string): string {
  return readFileSync(join(corporaDirectory, 'buildkit', path), 'utf8');
}

export function listCorpus(path: string): readonly string[] {
  return hasCorpus() ? readdirSync(join(corporaDirectory, 'buildkit', path)) : [];
}
