import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const programs =
  'sh cat chmod chown dd env find head hostname id ln ls mkdir mknod mount mv readlink rm seq setsid sha256sum sleep stat stty tail touch tr true tty wc'.split(
    ' ',
  );

/** Makes a root of this machine's own shell and tools (with what they are linked to), more of them when asked for, and of `probe`, all in /bin. */
export function makeRootfs(root: string, more: readonly string[] = []): void {
  mkdirSync(join(root, 'bin'), { recursive: true });
  const libraries = new Set<string>();
  for (const name of [...programs, ...more]) {
    const path = findProgram(name);
    copyFileSync(path, join(root, 'bin', name));
    for (const library of librariesOf(path)) libraries.add(library);
  }
  for (const library of libraries) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  const source = fileURLToPath(new URL('probe.c', import.meta.url));
  execFileSync('gcc', ['-static', '-O1', '-o', join(root, 'bin/probe'), source], { stdio: 'pipe' });
}

function findProgram(name: string): string {
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`this machine has no ${name}`);
  return realpathSync(path);
}

function librariesOf(program: string): readonly string[] {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}
