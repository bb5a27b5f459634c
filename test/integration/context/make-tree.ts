import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Makes a tree in a new directory, removed after the test. `PATH` (a file that contains its path), `PATH/`, `LINK -> TARGET` or `NAME = EARLIER NAME`. */
export function makeTree(specs: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'tbuild-context-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true });
  });
  addToTree(root, specs);
  return root;
}

export function addToTree(root: string, specs: readonly string[]): void {
  for (const spec of specs) {
    const [, path = '', operator = '', other = ''] = /^(.*?)(?: (->|=) (.*))?$/.exec(spec) ?? [];
    const absolute = join(root, path);
    mkdirSync(path.endsWith('/') ? absolute : dirname(absolute), { recursive: true });
    if (operator === '->') symlinkSync(other, absolute);
    else if (operator === '=') linkSync(join(root, other), absolute);
    else if (!path.endsWith('/')) writeFileSync(absolute, path);
  }
}
