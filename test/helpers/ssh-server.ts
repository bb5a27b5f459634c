import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
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
  writeFileSync(inside('sshd_config'), `${config.join('\n')}\n`);
  writeFileSync(inside('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(inside('host.pub'), 'utf8')}`);
  mkdirSync(inside('bin'));
  const ssh = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
  writeFileSync(
    inside('bin/ssh'),
    `#!/bin/sh\nexec ${ssh} -o UserKnownHostsFile=${inside('known_hosts')} -o Port=${port} "$@"\n`,
    { mode: 0o755 },
  );
  const { username, uid } = userInfo();
  const separation = '/run/sshd';
  const makesSeparation = uid === 0 && !existsSync(separation);
  if (makesSeparation) mkdirSync(separation, { mode: 0o755 });
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
    if (makesSeparation) rmdirSync(separation);
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
