import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What a test needs of the machine and cannot bring itself.
 *
 * - `root`, `ordinary-user`: who runs the suite. CI runs it as both, so these only ever skip.
 * - `user-namespaces`, `id-ranges` (of an ordinary user: newuidmap and lines in /etc/subuid and /etc/subgid), `overlay`, `tool:NAME` (a program on PATH): a machine that is set up for the
 *   tests has them, so with TBUILD_TEST_REQUIRE=all a missing one fails.
 * - `peers` (real Docker beside the project), `corpora` (others' test cases beside the project), `internet` (a public registry answers): only ever skip.
 */
export type Capability =
  | 'root'
  | 'ordinary-user'
  | 'user-namespaces'
  | 'id-ranges'
  | 'overlay'
  | 'peers'
  | 'corpora'
  | 'internet'
  | `tool:${string}`;

const beside = fileURLToPath(new URL('../../../shared/', import.meta.url));

/** Test cases that others wrote, where they are laid out beside the project. Ask for `corpora` before using it. */
export const corporaDirectory: string = join(beside, 'corpora');

/** The program that runs its arguments where Docker is, where that is laid out beside the project. Ask for `peers` before using it. */
export const peersProgram: string = join(beside, 'peers', 'in-peers');

/**
 * True when one of them is missing, which is then printed. Use: `describe.skipIf(lacks('root', 'overlay'))(…)`.
 * Throws instead when TBUILD_TEST_REQUIRE=all says that this machine must have it.
 */
export function lacks(...names: readonly Capability[]): boolean {
  for (const name of names) {
    const reason = missing(name);
    if (reason === undefined) continue;
    if (process.env['TBUILD_TEST_REQUIRE'] === 'all' && isDueInCi(name)) {
      throw new Error(`TBUILD_TEST_REQUIRE=all, but ${name} is missing: ${reason}`);
    }
    console.log(`skipped: needs ${name}: ${reason}`);
    return true;
  }
  return false;
}

const known = new Map<Capability, string | undefined>();

/** Why the capability is not there; undefined when it is. */
export function missing(name: Capability): string | undefined {
  if (!known.has(name)) known.set(name, probe(name));
  return known.get(name);
}

function isDueInCi(name: Capability): boolean {
  if (name === 'id-ranges') return process.getuid?.() !== 0;
  return name === 'user-namespaces' || name === 'overlay' || name.startsWith('tool:');
}

function probe(name: Capability): string | undefined {
  switch (name) {
    case 'root':
      return process.getuid?.() === 0 ? undefined : 'this is an ordinary user';
    case 'ordinary-user':
      return process.getuid?.() === 0 ? 'this is root' : undefined;
    case 'user-namespaces':
      return attempt('unshare', ['--user', '--map-root-user', 'true']);
    case 'id-ranges':
      return probeIdRanges();
    case 'overlay':
      return probeOverlay();
    case 'peers':
      return existsSync(peersProgram)
        ? attempt(peersProgram, ['docker', 'version'])
        : 'no Docker is laid out beside the project';
    case 'corpora':
      return existsSync(corporaDirectory) ? undefined : 'no corpora are laid out beside the project';
    case 'internet':
      return attempt(process.execPath, [
        '--eval',
        `fetch('https://registry-1.docker.io/v2/', { signal: AbortSignal.timeout(5000) }).then(
          () => process.exit(0),
          (error) => { console.error(error.cause?.message ?? error.message); process.exit(1); },
        )`,
      ]);
    default:
      return probeTool(name.slice('tool:'.length));
  }
}

function probeIdRanges(): string | undefined {
  const { username, uid } = userInfo();
  if (uid === 0) return 'root maps ids without ranges';
  for (const program of ['newuidmap', 'newgidmap']) {
    const reason = probeTool(program);
    if (reason !== undefined) return reason;
  }
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    if (!lines.some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`))) {
      return `${file} has no line for ${username}`;
    }
  }
  return undefined;
}

function probeOverlay(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-overlay-probe-'));
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(directory, name));
    const identity = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const options = 'userxattr,lowerdir=lower,upperdir=upper,workdir=work';
    const mount = ['mount', '-t', 'overlay', '-o', options, 'overlay', 'merged'];
    return attempt('unshare', [...identity, '--mount', ...mount], directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function probeTool(program: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return directories.some((directory) => existsSync(join(directory, program))) ? undefined : `no ${program} on PATH`;
}

function attempt(program: string, args: readonly string[], cwd?: string): string | undefined {
  const { status, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 20_000 });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.trim().split('\n').at(-1) || `${program} ended with status ${status}`;
}
