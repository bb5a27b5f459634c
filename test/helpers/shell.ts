import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { staticBaseImage } from '../../src/demo/base-image.ts';
import { writeTar } from '../../src/demo/tar-writer.ts';
import { writeTree } from './tree.ts';
import type { Tree } from './tree.ts';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program of dist/ in child processes, with a store, an image `base` (the static program of fixtures/rootfs), and contexts of its own. */
export interface Shell extends Disposable {
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Makes a directory of files and returns its path. */
  context(files: Tree): string;
  tbuild(...argv: string[]): Promise<Ran>;
  /** With text on standard input. */
  tbuildWith(input: string, ...argv: string[]): Promise<Ran>;
  /** A command line for `sh`, where `tbuild` is the program. */
  sh(script: string): Promise<Ran>;
  start(...argv: string[]): ChildProcess;
  /** Without what differs from run to run: ids, times, the directory. */
  stable(text: string): string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = join(root, 'dist/tbuild.cjs');
const initProgram = join(root, 'addon/build/init');

export async function openShell(): Promise<Shell> {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-cli-'));
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'tbuild'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
  const environment = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: directory,
    TBUILD_STORE: join(directory, 'store'),
  };
  let contexts = 0;
  const start = (argv: readonly string[]): ChildProcess =>
    spawn(process.execPath, [program, ...argv], { cwd: directory, env: environment });
  const shell: Shell = {
    directory,
    environment,
    context(files) {
      const path = join(directory, `context-${contexts++}`);
      mkdirSync(path);
      writeTree(path, files);
      return path;
    },
    tbuild: (...argv) => finish(start(argv), ''),
    tbuildWith: (input, ...argv) => finish(start(argv), input),
    sh: (script) => finish(spawn('sh', ['-c', script], { cwd: directory, env: environment }), ''),
    start: (...argv) => start(argv),
    stable: (text) =>
      text
        .replaceAll(directory, '<dir>')
        .replace(/\b[0-9a-f]{64}\b/g, '<id>')
        .replace(/\b[0-9a-f]{12}\b/g, '<id>')
        .replace(/\b\d+(ms|\.\d+s|m\d\ds)\b/g, '<time>')
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<date>')
        .replace(/(Less than a second|\d+ seconds?|About a minute|\d+ minutes) ago */g, '<ago> '),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
  await importBase(shell);
  return shell;
}

async function importBase(shell: Shell): Promise<void> {
  const applets = execFileSync(initProgram, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const archive = join(shell.directory, 'base.tar');
  writeFileSync(archive, Buffer.concat([...writeTar(staticBaseImage(readFileSync(initProgram), applets).entries)]));
  const { status, stderr } = await shell.tbuild('import', '--change', 'ENV PATH=/bin', archive, 'base');
  if (status !== 0) throw new Error(`no base image: ${stderr}`);
}

function finish(child: ChildProcess, input: string): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin?.on('error', () => undefined).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}
