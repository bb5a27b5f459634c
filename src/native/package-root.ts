import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own directory: the nearest one above this file that holds `addon/`. The same for sources, bundle and installed package. */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'addon', 'binding.gyp'))) {
    const parent = dirname(directory);
    if (parent === directory)
      throw new TypeError('tbuild: the package is incomplete: no addon/ directory above its code');
    directory = parent;
  }
  return directory;
}
