import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The real docker, umoci and skopeo, where a program called `in-peers` runs its arguments among them. */
export interface Peers {
  /** A directory that both this machine and the peers see under the same path. */
  readonly work: string;
  /** What it prints; fails with what it says on stderr. */
  run(args: readonly string[]): Promise<string>;
}

/**
 * Looks for `in-peers` in $TBUILD_PEERS, else beside the project. Its home is $PEERS_HOME, else what it says itself. The daemon is that of $DOCKER_HOST, else the one with containerd's image
 * store where there is one: the other has no COPY --link.
 * @returns a reason when there are no peers
 */
export function findPeers(project: string): Peers | string {
  const program = join(process.env['TBUILD_PEERS'] ?? join(project, '../shared/peers'), 'in-peers');
  if (!existsSync(program)) return `there is no ${program}: set TBUILD_PEERS to the folder that has in-peers`;
  const asked = spawnSync(program, ['printenv', 'PEERS_HOME'], { encoding: 'utf8' });
  if (asked.status !== 0) return `the peers are not up: ${asked.stderr.trim()}`;
  const home = process.env['PEERS_HOME'] ?? asked.stdout.trim();
  const socket = join(home, 'run/docker-c8d.sock');
  if (process.env['DOCKER_HOST'] === undefined && existsSync(socket)) process.env['DOCKER_HOST'] = `unix://${socket}`;
  return { work: join(home, 'work'), run: (args) => execute(program, args) };
}

/** Resolves to what the program prints; rejects with its last lines when it fails. */
export function execute(program: string, args: readonly string[], cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { cwd, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${stdout}\n${stderr}`.trim().split('\n').slice(-12).join('\n'), { cause: error }));
    });
    child.stdin?.end();
  });
}
