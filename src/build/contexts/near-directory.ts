import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { suggest } from '../../dockerfile/suggest.ts';

/** As a hint, the directory that was probably meant by a path where there is nothing. */
export function nearDirectory(path: string): string | undefined {
  const parent = dirname(path);
  try {
    const beside = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const near = suggest(
      basename(path),
      beside.map(({ name }) => name),
    );
    return near === undefined ? undefined : `Did you mean ${join(parent, near)}?`;
  } catch {
    // There is nothing beside it either.
    return undefined;
  }
}
