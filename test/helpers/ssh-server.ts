import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** OpenSSH's own server for the user of the tests, with keys of its own. */
export interface SshServer extends AsyncDisposable {
  /** `USER@127.0.0.1:PORT` */
  readonly address: string;
  /** Private key whose owner may log in. */
  readonly key: string;
  /**
   * A PATH on which `ssh` knows the server's host key, as if the user had put it into known_hosts. Nothing else is changed.
   */
  readonly path: string;
}

export async function startSshServer(): Promise<SshServer> {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-sshd-'));
  const inside = (name: string): string => join(directory, name);
  for (const name of ['host', 'key']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', inside(name)]);
  }
  const port = await freePort();
  const config = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${inside('host')}`,
    `AuthorizedKeysFile ${inside('key.pub')}`,
    'AuthenticationMethods publickey',
    'UsePAM no',
    'StrictModes no',
    'PidFile none',
  ];
  // From 9.8 on, whoever is refused must wait before the next try.
  const patient = ['PerSourcePenalties no'].filter((line) => knowsOption(line));
  writeFileSync(inside('sshd_config'), `${[...config, ...patient].join('\n')}\n`);
  writeFileSync(inside('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(inside('host.pub'), 'utf8')}`);
  mkdirSync(inside('bin'));
  const ssh = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
  writeFileSync(
    inside('bin/ssh'),
    `#!/bin/sh\nexec ${ssh} -o UserKnownHostsFile=${inside('known_hosts')} -o Port=${port} "$@"\n`,
    { mode: 0o755 },
  );
  const { username, uid } = userInfo();
  // The service makes it when it starts. It stays: another server may have been started meanwhile, and needs it for each connection.
  if (uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', inside('sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => void server.once('close', () => resolve()));
  const dispose = async (): Promise<void> => {
    server.kill();
    await ended;
    rmSync(directory, { recursive: true });
  };
  try {
    await answers(port, () => said);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    address: `${username}@127.0.0.1:${port}`,
    key: inside('key'),
    path: [inside('bin'), process.env['PATH'] ?? ''].join(delimiter),
    [Symbol.asyncDispose]: dispose,
  };
}

function knowsOption(line: string): boolean {
  const { stderr } = spawnSync('/usr/sbin/sshd', ['-t', '-f', '/dev/null', '-o', line], { encoding: 'utf8' });
  return !stderr.includes('Bad configuration option');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function answers(port: number, said: () => string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await delay(50);
  }
  throw new Error(`sshd does not listen: ${said()}`);
}
