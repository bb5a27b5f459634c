import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BuildOptions, SshSource } from '../../../src/index.ts';
import { keyAgent } from '../../../src/build/ssh/agent.ts';
import { forwardAgent } from '../../../src/build/ssh/forward.ts';
import { parsePrivateKey } from '../../../src/build/ssh/private-key.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Built, Workshop } from '../../helpers/workshop.ts';

const hasTools = !lacks('tool:ssh-agent', 'tool:ssh-add', 'tool:ssh-keygen');
const directory = mkdtempSync(join(tmpdir(), 'tbuild-ssh-'));
afterAll(() => rmSync(directory, { recursive: true }));

function makeKey(name: string, ...options: readonly string[]): string {
  const path = join(directory, name);
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', `comment of ${name}`, '-f', path, ...options]);
  return path;
}

const publicBlob = (path: string): string =>
  Buffer.from(readFileSync(`${path}.pub`, 'utf8').split(' ')[1] ?? '', 'base64').toString('hex');

describe.skipIf(!hasTools || lacks('user-namespaces', 'overlay'))('RUN --mount=type=ssh', () => {
  let workshop: Workshop;
  let client: Buffer;
  let key: string;
  const socket = join(directory, 'agent');
  let agentPid = 0;

  beforeAll(async () => {
    workshop = await openWorkshop();
    const source = fileURLToPath(new URL('../../helpers/agent-client.c', import.meta.url));
    execFileSync('gcc', ['-static', '-O1', '-Wall', '-Werror', '-o', join(directory, 'client'), source]);
    client = readFileSync(join(directory, 'client'));
    key = makeKey('key', '-t', 'ed25519');
    agentPid = Number(/PID=(\d+)/.exec(execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' }))?.[1]);
    execFileSync('ssh-add', ['-q', key], { env: { SSH_AUTH_SOCK: socket } });
  });
  afterAll(async () => {
    if (agentPid > 0) process.kill(agentPid);
    await workshop[Symbol.asyncDispose]();
  });

  const run = (
    lines: string,
    ssh: Readonly<Record<string, SshSource>> = {},
    options: Partial<BuildOptions> = {},
  ): Promise<Built> => {
    const context = workshop.context({ client, Dockerfile: `FROM base\nCOPY --chmod=0755 client /bin/\n${lines}` });
    return workshop.build(context, { ssh, ...options });
  };

  test('reaches the agent, at the path that SSH_AUTH_SOCK says, also without a network', async () => {
    const { output } = await run(
      'RUN --mount=type=ssh --network=none echo $SSH_AUTH_SOCK && stat $SSH_AUTH_SOCK && client 0b',
      {
        default: { socket },
      },
    );
    expect(output).toMatch(/^\/run\/buildkit\/ssh_agent\.0\ns 600 0:0 /);
    expect(output).toContain(publicBlob(key));
    expect(output).toContain(Buffer.from('comment of key').toString('hex'));
  });

  test('has the ids, places, modes and owners that are asked for', async () => {
    const { output, image } = await run(
      [
        'RUN --mount=type=ssh,id=other,mode=0666,uid=4,gid=5,target=/x/y --mount=type=ssh,id=other echo $SSH_AUTH_SOCK && stat /x/y /run/buildkit/ssh_agent.1',
        'RUN stat /run || echo nothing is left',
        'WORKDIR /w',
        'RUN --mount=type=ssh,id=other,target=rel echo $SSH_AUTH_SOCK && stat /w/rel',
        'ENV SSH_AUTH_SOCK=mine',
        'RUN --mount=type=ssh,id=other echo $SSH_AUTH_SOCK',
        'USER 1000',
        'RUN --mount=type=ssh,id=other SSH_AUTH_SOCK=x client 0b || true',
      ].join('\n'),
      { other: { socket } },
    );
    const sockets = output
      .split('\n')
      .flatMap((line) => /^(s \d+ \d+:\d+) .* (\/\S+)$/.exec(line)?.slice(1).join(' ') ?? []);
    expect(sockets).toEqual(['s 666 4:5 /x/y', 's 600 0:0 /run/buildkit/ssh_agent.1', 's 600 0:0 /w/rel']);
    for (const text of ['/x/y\n', 'nothing is left', '\nrel\n', '\nmine\n']) expect(output).toContain(text);
    const leftovers = image.chain.flatMap(({ layer }) =>
      [...workshop.store.listing(layer).entries()].map(({ path }) => path),
    );
    expect(leftovers.filter((path) => /^(run|x|w\/rel)/.test(path))).toEqual([]);
  });

  test('is not there without --ssh, unless it is required', async () => {
    const { output } = await run('RUN --mount=type=ssh echo [$SSH_AUTH_SOCK] && stat $SSH_AUTH_SOCK || echo none');
    expect(output).toContain('[/run/buildkit/ssh_agent.0]');
    expect(output).toContain('none');
    await expect(run('RUN --mount=type=ssh,required,id=x true', { default: { socket } })).rejects.toMatchObject({
      code: 'TBUILD_SECRET',
      message: 'unset ssh forward key x',
    });
  });

  test('passes on nothing but lists of keys and signatures', async () => {
    // Add, remove, remove all, add by smartcard, remove by smartcard, lock, unlock, add constrained, extension; and what nobody knows.
    const requests = ['11', '12', '13', '14', '15', '16', '17', '19', '1b', '01', 'ff'].map(
      (type) => `${type}00000001aa`,
    );
    const { output } = await run(`RUN --mount=type=ssh client ${requests.join(' ')} 0b`, { default: { socket } });
    const answers = output.trim().split('\n');
    expect(answers.slice(0, -1)).toEqual(requests.map(() => '05'));
    expect(answers.at(-1)).toContain(publicBlob(key));
  });

  test('closes a connection that sends nonsense, and goes on with others', async () => {
    const { output } = await run('RUN --mount=type=ssh client - ; client 0b', { default: { socket } });
    expect(output).toMatch(/^closed\n0c/);
    const gone = await run('RUN --mount=type=ssh client 0b', { default: { keys: [key] } }, { noCache: true });
    expect(gone.output).toContain(publicBlob(key));
  });

  test('can be private keys instead of an agent, read when the command runs', async () => {
    const second = makeKey('second', '-t', 'rsa', '-b', '2048');
    const { output } = await run('RUN --mount=type=ssh client 0b 13 0d', { default: { keys: [key, second] } });
    const [list, ...refused] = output.trim().split('\n');
    expect(list).toMatch(/^0c00000002/);
    for (const path of [key, second]) expect(list).toContain(publicBlob(path));
    expect(refused).toEqual(['05', 'closed']);
  });

  test.each([
    ['a key with a passphrase', ['-t', 'ed25519', '-N', 'secret phrase'], 'passphrase'],
    ['a key with a passphrase in PEM', ['-t', 'rsa', '-b', '1024', '-m', 'PEM', '-N', 'secret phrase'], 'passphrase'],
  ])('refuses %s', async (name, options, message) => {
    const path = makeKey(name.replaceAll(' ', '-'), ...options);
    await expect(run('RUN --mount=type=ssh true', { default: { keys: [path] } })).rejects.toMatchObject({
      code: 'TBUILD_SECRET',
      message: expect.stringContaining(message) as string,
    });
  });

  test('refuses what is no key and no socket', async () => {
    const path = join(directory, 'no-key');
    writeFileSync(path, 'something else');
    const failing = { code: 'TBUILD_SECRET', message: expect.stringContaining(path) as string };
    await expect(run('RUN --mount=type=ssh true', { default: { keys: [path] } })).rejects.toMatchObject(failing);
    await expect(run('RUN --mount=type=ssh true', { default: { socket: path } })).rejects.toMatchObject(failing);
    const absent = { default: { socket: `${path}-absent` } };
    await expect(run('RUN --mount=type=ssh true', absent)).rejects.toMatchObject({ code: 'TBUILD_SECRET' });
  });
});

describe.skipIf(!hasTools)('an agent of private keys', () => {
  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['RSA', ['-t', 'rsa', '-b', '2048']],
    ['RSA in PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['RSA in PKCS 8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8']],
    ['ECDSA over P-256', ['-t', 'ecdsa', '-b', '256']],
    ['ECDSA over P-384', ['-t', 'ecdsa', '-b', '384']],
    ['ECDSA over P-521', ['-t', 'ecdsa', '-b', '521']],
    ['ECDSA in PEM', ['-t', 'ecdsa', '-b', '256', '-m', 'PEM']],
  ])('lists and signs with a key of %s as OpenSSH understands it', async (name, options) => {
    const path = makeKey(`agent-${name.replaceAll(/\W/g, '-')}`, ...options);
    const parsed = parsePrivateKey(readFileSync(path, 'latin1'));
    expect(parsed.publicKey.toString('hex')).toBe(publicBlob(path));
    // Without the private key at hand, ssh-keygen asks the agent.
    rmSync(path);
    const own = mkdtempSync(join(directory, 'agent-'));
    await using _ = await forwardAgent(own, 'socket', () => keyAgent([parsed]));
    const data = join(own, 'data');
    writeFileSync(data, 'data to be signed');
    const environment = { SSH_AUTH_SOCK: join(own, 'socket'), PATH: process.env['PATH'] };
    const keygen = async (...argv: readonly string[]): Promise<string> => {
      const { execFile } = await import('node:child_process');
      return new Promise((resolve, reject) => {
        const child = execFile('ssh-keygen', argv, { env: environment }, (error, stdout, stderr) =>
          error === null ? resolve(stdout + stderr) : reject(new Error(stderr)),
        );
        child.stdin?.end(readFileSync(data));
      });
    };
    for (let round = 0; round < 4; round++) {
      await keygen('-Y', 'sign', '-f', `${path}.pub`, '-n', 'test', data);
      expect(await keygen('-Y', 'check-novalidate', '-n', 'test', '-s', `${data}.sig`)).toMatch(
        /^Good "test" signature/,
      );
      rmSync(`${data}.sig`);
    }
  });

  test('listens on a path of any length, is gone when it is closed, and serves no more than 64 at once', async () => {
    const own = mkdtempSync(join(directory, `long-${'x'.repeat(150)}-`));
    chmodSync(own, 0o700);
    const agent = await forwardAgent(own, 'socket', () => keyAgent([]));
    expect(existsSync(join(own, 'socket'))).toBe(true);
    const { connect } = await import('node:net');
    process.chdir(own);
    const sockets = Array.from({ length: 70 }, () => connect('socket'));
    const closed = await new Promise<number>((resolve) => {
      let count = 0;
      for (const socket of sockets)
        socket.on('error', () => undefined).on('close', () => ++count === 6 && resolve(count));
    });
    expect(closed).toBe(6);
    await agent[Symbol.asyncDispose]();
    expect(existsSync(join(own, 'socket'))).toBe(false);
    for (const socket of sockets) socket.destroy();
  });
});
