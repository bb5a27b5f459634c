import { existsSync, readdirSync } from 'node:fs';

/** Names in a directory; none where there is none. */
export function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
