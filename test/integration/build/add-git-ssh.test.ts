import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import type { SshSource } from '../../../src/index.ts';
import { startGitServer } from '../../helpers/git-server.ts';
import type { GitServer, ServedRepository } from '../../helpers/git-server.ts';
import { inFlight } from '../../helpers/leaks.ts';
import { startSshServer } from '../../helpers/ssh-server.ts';
import type { SshServer } from '../../helpers/ssh-server.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, file } from './image-tree.ts';
import type { ExportedImage } from './image-tree.ts';

describe.skipIf(lacks('tool:git', 'tool:sshd', 'tool:ssh-agent'))('ADD of a git repository over ssh', () => {
  let workshop: Workshop;
  let repositories: GitServer;
  let repository: ServedRepository;
  let server: SshServer;
  let socket: string;
  let agentPid = 0;

  beforeAll(async () => {
    workshop = await openWorkshop();
    repositories = await startGitServer();
    repository = repositories.repository('r');
    repository.commit({ f: 'by ssh' });
    server = await startSshServer();
    socket = join(workshop.directory, 'agent');
    agentPid = Number(/PID=(\d+)/.exec(execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' }))?.[1]);
    execFileSync('ssh-add', ['-q', server.key], { env: { SSH_AUTH_SOCK: socket } });
  });
  afterAll(async () => {
    if (agentPid > 0) process.kill(agentPid);
    await server[Symbol.asyncDispose]();
    await repositories[Symbol.asyncDispose]();
    await workshop[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    vi.stubEnv('PATH', server.path);
    // Nobody's agent but the one that is given.
    vi.stubEnv('SSH_AUTH_SOCK', undefined);
  });
  afterEach(() => vi.unstubAllEnvs());

  const added = (
    ssh: Readonly<Record<string, SshSource>>,
    url = `ssh://${server.address}${repository.path}`,
  ): Promise<ExportedImage> => buildImage(workshop, `ADD ${url} /x/`, {}, { ssh, noCache: true });

  test('uses the agent that is given', async () => {
    expect((await added({ default: { socket } })).at('x/f')).toBe(file('by ssh'));
  });

  test('uses the keys that are given, and leaves nothing behind', async () => {
    expect((await added({ default: { keys: [server.key] } })).at('x/f')).toBe(file('by ssh'));
    expect(inFlight(workshop.store.root)).toEqual([]);
  });

  test('understands user@host:path', async () => {
    const [host = ''] = server.address.split(/:\d+$/);
    // What is no name of a user has to be git's own form of an address.
    const image = await added({ default: { socket } }, `${host}:${repository.path}`);
    expect(image.at('x/f')).toBe(file('by ssh'));
  });

  test('without an agent, or with one of another name, is an error that says what to give', async () => {
    for (const ssh of [{}, { other: { socket } }]) {
      await expect(added(ssh)).rejects.toMatchObject({
        code: 'TBUILD_GIT',
        span: { line: 2 },
        hint: 'Give an SSH agent that has the key, or the key: --ssh default.',
      });
    }
  });

  test('refuses a host whose key is not known', async () => {
    vi.unstubAllEnvs();
    await expect(added({ default: { socket } })).rejects.toMatchObject({
      code: 'TBUILD_GIT',
      hint: expect.stringContaining('known_hosts') as unknown,
    });
  });

  describe('as build context', () => {
    const url = (): string => `ssh://${server.address}${repository.path}`;
    beforeAll(() => {
      repository.commit({ Dockerfile: 'FROM scratch\nCOPY f /f\n' });
    });

    test('uses the agent or keys that are given, else the agent of this process', async () => {
      const noCache = true;
      const context = (options: object): Promise<ExportedImage> =>
        buildImage(workshop, '', url(), { noCache, ...options });
      await expect(context({})).rejects.toMatchObject({ code: 'TBUILD_GIT' });
      expect((await context({ ssh: { default: { keys: [server.key] } } })).at('f')).toBe(file('by ssh'));
      vi.stubEnv('SSH_AUTH_SOCK', socket);
      expect((await context({})).at('f')).toBe(file('by ssh'));
      expect(inFlight(workshop.store.root)).toEqual([]);
    });

    test('does not hand the agent of this process to RUN', async () => {
      vi.stubEnv('SSH_AUTH_SOCK', socket);
      repository.commit({ Dockerfile: 'FROM base\nRUN --mount=type=ssh,required=true true\n' });
      await expect(workshop.build(url())).rejects.toMatchObject({ code: 'TBUILD_SECRET' });
    });
  });
});
