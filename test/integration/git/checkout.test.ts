import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkOut } from '../../../src/git/checkout.ts';
import type { Checkout } from '../../../src/git/checkout.ts';
import { parseGitUrl } from '../../../src/git/git-url.ts';
import { resolveCommit } from '../../../src/git/resolve-commit.ts';
import type { ResolvedCommit } from '../../../src/git/resolve-commit.ts';
import { createGit } from '../../../src/git/run-git.ts';
import type { GitAccess } from '../../../src/git/run-git.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { startGitServer } from '../../helpers/git-server.ts';
import type { GitServer, ServedRepository } from '../../helpers/git-server.ts';

describe.skipIf(lacks('tool:git'))('a repository', () => {
  let server: GitServer;
  let repository: ServedRepository;
  let directory: string;
  let first: string;
  let second: string;
  beforeEach(async () => {
    server = await startGitServer();
    directory = mkdtempSync(join(tmpdir(), 'tbuild-checkout-'));
    repository = server.repository('r');
    first = repository.commit({ f: 'one', 'sub/deep/d': 'd', 'run.sh*': '#!', link: '-> f' });
    repository.git('tag', 'light');
    repository.git('tag', '--annotate', '--message=m', 'annotated');
    second = repository.commit({ f: 'two' }, { time: 1_700_000_000 });
    repository.commit({ f: 'three' }, { branch: 'dev' });
    repository.git('push', '--quiet', '--tags', 'origin', 'dev:refs/pull/7/head');
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const access = (suffix: string, authorization?: string): GitAccess => {
    const parsed = parseGitUrl(`${server.url}/r.git${suffix}`);
    if (parsed?.kind !== 'git') throw new Error(JSON.stringify(parsed));
    return { source: parsed.source, authorization, agentSocket: undefined, signal: undefined };
  };
  const resolve = async (suffix: string): Promise<ResolvedCommit | undefined> => {
    const given = access(suffix);
    return resolveCommit(createGit(given), given.source);
  };
  const fetch = async (suffix: string, keepGitDir = false): Promise<Checkout> => {
    const given = access(suffix);
    return checkOut(given, await resolveCommit(createGit(given), given.source), { directory, keepGitDir });
  };
  const head = (branch: string): string => repository.git('rev-parse', branch);

  test('stands for the commit of its ref, branches before tags', async () => {
    expect((await resolve(''))?.commit).toBe(second);
    expect((await resolve('#main'))?.commit).toBe(second);
    expect((await resolve('#light'))?.commit).toBe(first);
    expect((await resolve('#annotated'))?.commit).toBe(first);
    expect((await resolve('#dev'))?.commit).toBe(head('dev'));
    expect((await resolve('#refs/pull/7/head'))?.commit).toBe(head('dev'));
    expect((await resolve('#pull/7/head'))?.commit).toBe(head('dev'));
    expect((await resolve('?branch=dev'))?.commit).toBe(head('dev'));
    expect((await resolve('?tag=annotated'))?.commit).toBe(first);
    repository.git('push', '--quiet', 'origin', 'dev:refs/tags/main');
    expect((await resolve('#main'))?.commit).toBe(second);
    await expect(resolve('#none')).rejects.toMatchObject({ code: 'TBUILD_GIT' });
    await expect(resolve('?tag=dev')).rejects.toMatchObject({ code: 'TBUILD_GIT' });
  });

  test('is not asked for a commit that is named in full', async () => {
    expect(await resolve(`#${first}`)).toEqual({ commit: first, ref: undefined });
    expect((await resolve(`?tag=light&commit=${first}`))?.commit).toBe(first);
    expect(server.requests).toEqual([]);
  });

  test('is checked against the digits that are given, of the commit or of the tag that points to it', async () => {
    expect((await resolve(`?tag=light&checksum=${first.slice(0, 8)}`))?.commit).toBe(first);
    const tag = repository.git('rev-parse', 'annotated');
    expect((await resolve(`?tag=annotated&checksum=${tag.slice(0, 12)}`))?.commit).toBe(first);
    await expect(resolve(`?tag=light&checksum=${second.slice(0, 8)}`)).rejects.toMatchObject({
      code: 'TBUILD_GIT',
      message: expect.stringContaining(`expected checksum to match ${second.slice(0, 8)}, got ${first}`) as string,
    });
    await expect(fetch(`?tag=light&checksum=${second}`)).rejects.toMatchObject({ code: 'TBUILD_GIT' });
  });

  test.each([
    ['', 'two'],
    ['#light', 'one'],
    ['#annotated', 'one'],
    ['#pull/7/head', 'three'],
    ['?branch=dev&fetch-by-commit=true', 'three'],
  ])('is laid out as it is: %s', async (suffix, content) => {
    const { tree } = await fetch(suffix);
    expect(readFileSync(join(tree, 'f'), 'utf8')).toBe(content);
    expect(readdirSync(tree).toSorted()).toEqual(['f', 'link', 'run.sh', 'sub']);
  });

  test('is laid out at a commit, named in full or by its first digits', async () => {
    expect(await fetch(`#${first}`)).toMatchObject({ commit: first, commitTime: 1_600_000_000 });
    rmSync(directory, { recursive: true });
    execFileSync('mkdir', [directory]);
    expect(await resolve(`#${first.slice(0, 9)}`)).toBeUndefined();
    expect(await fetch(`#${first.slice(0, 9)}`)).toMatchObject({ commit: first });
  });

  test('is laid out at the commit that was resolved, when the branch has moved since', async () => {
    const given = access('#main');
    const resolved = await resolveCommit(createGit(given), given.source);
    repository.commit({ f: 'moved' });
    const { tree, commit } = await checkOut(given, resolved, { directory, keepGitDir: false });
    expect([commit, readFileSync(join(tree, 'f'), 'utf8')]).toEqual([second, 'two']);
  });

  test('keeps its .git when that is asked for, with one commit and no credentials', async () => {
    const { tree } = await fetch('#light', true);
    const log = execFileSync('git', ['-C', tree, 'log', '--format=%H'], { encoding: 'utf8' });
    expect(log.trim()).toBe(first);
    expect(readFileSync(join(tree, '.git/config'), 'utf8')).toContain(`${server.url}/r.git`);
    expect(existsSync(join(tree, '.git/hooks'))).toBe(false);
  });

  test('brings its submodules, also those whose URL is relative, unless they are not wanted', async () => {
    const module = server.repository('module');
    module.commit({ inner: 'i' });
    repository.addSubmodule(module, 'mod', '../module.git');
    repository.commit({});
    expect(readFileSync(join((await fetch('')).tree, 'mod/inner'), 'utf8')).toBe('i');
    rmSync(directory, { recursive: true });
    execFileSync('mkdir', [directory]);
    expect(readdirSync(join((await fetch('?submodules=false')).tree, 'mod'))).toEqual([]);
  });

  test('that asks for credentials gets them, submodules of the same server too', async () => {
    const module = server.repository('module');
    module.commit({ inner: 'i' });
    repository.addSubmodule(module, 'mod', `${server.url}/module.git`);
    repository.commit({});
    server.authorization = 'Basic c2VjcmV0';
    await expect(resolve('')).rejects.toMatchObject({
      code: 'TBUILD_GIT',
      hint: `Give a secret GIT_AUTH_TOKEN.${server.host} or GIT_AUTH_TOKEN.`,
    });
    const given = access('', 'Basic c2VjcmV0');
    const { tree } = await checkOut(given, await resolveCommit(createGit(given), given.source), {
      directory,
      keepGitDir: true,
    });
    expect(readFileSync(join(tree, 'mod/inner'), 'utf8')).toBe('i');
    expect(spawnSync('grep', ['-r', 'c2VjcmV0', tree], { encoding: 'utf8' }).stdout).toBe('');
  });

  test('an aborted signal ends git with its reason', async () => {
    const stop = new AbortController();
    const given = { ...access(''), signal: stop.signal };
    const reason = new Error('enough');
    const resolving = resolveCommit(createGit(given), given.source);
    stop.abort(reason);
    await expect(resolving).rejects.toBe(reason);
  });
});
