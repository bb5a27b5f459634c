import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { startFileServer } from '../helpers/file-server.ts';
import { startGitServer } from '../helpers/git-server.ts';
import type { GitServer, ServedRepository } from '../helpers/git-server.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { plantCanary, secret } from './canary.ts';
import type { Canary } from './canary.ts';
import { closeWorkshop } from './leftovers.ts';
import { rootTar } from './routes.ts';

let shop: Workshop;
let canary: Canary;
beforeAll(async () => {
  shop = await openWorkshop();
  canary = plantCanary();
});
afterAll(async () => {
  canary.expectUntouched();
  canary[Symbol.dispose]();
  await closeWorkshop(shop);
});

const added = (what: string) => shop.build(shop.context({ Dockerfile: `FROM scratch\nADD ${what} /x/\n` }));

describe.skipIf(lacks('tool:git'))('a git repository', () => {
  let server: GitServer;
  let repository: ServedRepository;
  let proof: string;
  beforeEach(async () => {
    server = await startGitServer();
    repository = server.repository('r');
    proof = join(tmpdir(), `tbuild-proof-${process.pid}-${Date.now()}`);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    if (existsSync(proof)) throw new Error('something of the repository has run');
  });

  // CVE-2026-33748, CVE-2026-44517
  it.each(['-> DIRECTORY', '-> ../../../../../../../../../../../../../DIRECTORY', '-> sub', '-> ..'])(
    'whose directory is a link that leads out (%s) gives nothing of what it leads to',
    async (target) => {
      repository.commit({
        f: 'f',
        link: target.replace('DIRECTORY', canary.directory.replace(/^\//, target.includes('..') ? '' : '/')),
        'dir/sub/g': 'g',
      });
      const outcome = await added(`${server.url}/r.git#main:link`).then(
        ({ image }) => rootTar(shop, image),
        (error: Error) => Buffer.from(error.message),
      );
      expect(outcome.includes(secret)).toBe(false);
    },
  );

  it('whose files are links has them as links', async () => {
    repository.commit({ link: `-> ${canary.directory}/file`, dir: `-> ${canary.directory}` });
    const tar = await rootTar(shop, (await added(`${server.url}/r.git`)).image);
    expect(tar.includes(secret)).toBe(false);
  });

  // GHSA-hw3h-2gp9-cxpv, CVE-2017-1000117
  it.each([
    'git@-oProxyCommand:x',
    'ssh://-oProxyCommand=touch%20PROOF/x.git',
    'ssh://x@-oProxyCommand=touch%20PROOF/x.git',
    'SERVER/r.git#--upload-pack=touch%20PROOF',
    'SERVER/r.git?ref=--output=PROOF',
    'SERVER/r.git?branch=x%20--output=PROOF',
    'SERVER/r.git#main:--help',
    'ssh://127.0.0.1/$(touch%20PROOF).git',
    'ssh://127.0.0.1/`touch${IFS}PROOF`.git',
  ])('named by something that looks like an option or a command is refused, and nothing runs: %s', async (text) => {
    repository.commit({ f: 'f' });
    const url = text.replace('SERVER', server.url).replace('PROOF', proof);
    await expect(added(`'${url.replaceAll('$', '\\$')}'`)).rejects.toMatchObject({
      code: expect.stringMatching(/^TBUILD_(?:DOCKERFILE_SYNTAX|GIT|SOURCE_NOT_FOUND|EXPANSION)$/) as string,
    });
  });

  it.each([
    ['a command', 'ext::sh -c touch% PROOF'],
    ['files of this machine', 'CANARY'],
    ['files of this machine, as a URL', 'file://CANARY'],
    ['an option', '-u./payload'],
    ['an option of ssh', 'ssh://-oProxyCommand=touch% PROOF/x'],
  ])('whose submodule is %s is refused, and nothing of it is read or run', async (_, url) => {
    const module = server.repository('m');
    module.commit({ f: secret });
    repository.commit({ f: 'f' });
    repository.addSubmodule(module, 'mod', url.replace('PROOF', proof).replace('CANARY', canary.directory));
    repository.commit({});
    await expect(added(`${server.url}/r.git`)).rejects.toMatchObject({ code: 'TBUILD_GIT' });
  });

  it('brings no hooks, filters or settings that run', async () => {
    repository.commit({
      f: 'f',
      '.gitattributes': '* filter=evil diff=evil merge=evil\n',
      '.gitconfig': `[filter "evil"]\n\tsmudge = touch ${proof}\n\trequired = true\n[core]\n\tfsmonitor = touch ${proof}\n`,
      '.lfsconfig': `[lfs]\n\turl = ext::sh -c touch% ${proof}\n`,
      'hooks/post-checkout*': `#!/bin/sh\ntouch ${proof}\n`,
    });
    const tar = await rootTar(shop, (await added(`${server.url}/r.git`)).image);
    expect(tar.includes('post-checkout')).toBe(true);
  });

  it('is fetched without the settings, helpers and credentials of the user', async () => {
    repository.commit({ f: 'f' });
    const home = mkdtempSync(join(tmpdir(), 'tbuild-home-'));
    const settings = [
      `[core]\n\tsshCommand = touch ${proof}\n\taskPass = touch ${proof}\n\tgitProxy = touch ${proof}`,
      `[credential]\n\thelper = "!touch ${proof};"`,
      `[url "ext::touch ${proof} "]\n\tinsteadOf = ${server.url}`,
      '[protocol]\n\tallow = always',
    ];
    writeFileSync(join(home, '.gitconfig'), settings.join('\n'));
    writeFileSync(join(home, '.netrc'), 'machine 127.0.0.1 login netrc password hush\n', { mode: 0o600 });
    const before = { ...process.env };
    Object.assign(process.env, {
      HOME: home,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.ext::touch ${proof} .insteadOf`,
      GIT_CONFIG_VALUE_0: server.url,
      GIT_SSH_COMMAND: `touch ${proof}`,
      GIT_EXEC_PATH: home,
      GIT_TEMPLATE_DIR: home,
    });
    try {
      server.authorization = 'Basic bmV0cmM6aHVzaA==';
      await expect(added(`${server.url}/r.git`)).rejects.toMatchObject({ code: 'TBUILD_GIT' });
      server.authorization = undefined;
      await added(`${server.url}/r.git`);
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
      rmSync(home, { recursive: true });
    }
  });

  it('is fetched by the git of PATH, never by one of the context or of an image', async () => {
    repository.commit({ f: 'f' });
    const context = shop.context({
      git: `#!/bin/sh\ntouch ${proof}\n`,
      Dockerfile: `FROM base\nCOPY --chmod=755 git /bin/git\nCOPY --chmod=755 git /usr/bin/git\nADD ${server.url}/r.git /x/\n`,
    });
    chmodSync(join(context, 'git'), 0o755);
    const { output } = await shop.build(context);
    expect([output, existsSync(proof)]).toEqual(['', false]);
  });

  it('whose server redirects takes no credentials along, and follows nowhere but to http', async () => {
    await using other = await startGitServer('127.0.0.2');
    other.repository('r').commit({ f: 'f' });
    server.redirect = other.url;
    await expect(added(`${server.url.replace('//', '//user:hush@')}/r.git`)).rejects.toMatchObject({
      code: 'TBUILD_GIT',
    });
    expect(other.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    server.redirect = `file://${canary.directory}`;
    await expect(added(`${server.url}/r.git`)).rejects.toMatchObject({ code: 'TBUILD_GIT' });
  });

  it('with a name that would delete files of a layer is refused', async () => {
    repository.commit({ 'dir/.wh.f': 'x' });
    await expect(added(`${server.url}/r.git`)).rejects.toMatchObject({ code: 'TBUILD_COPY' });
  });

  it('whose URL has credentials leaves them neither in messages nor in the store', async () => {
    repository.commit({ f: 'f' });
    server.authorization = `Basic ${Buffer.from('user:hush-hush-hush').toString('base64')}`;
    const url = `${server.url.replace('//', '//user:hush-hush-hush@')}/r.git`;
    const built = await shop.build(
      shop.context({ Dockerfile: `FROM scratch\nARG URL\nADD --keep-git-dir=true $URL /x/\n` }),
      { buildArgs: { URL: url } },
    );
    const tar = await rootTar(shop, built.image);
    expect(tar.includes('hush-hush-hush')).toBe(false);
    expect(tar.includes(server.authorization)).toBe(false);
    const failing = added(url.replace('/r.git', '/none.git'));
    expect(await failing.catch((error: Error) => error.message)).not.toContain('hush');
  });
});

describe('a URL', () => {
  it.each(['/..', '/%2e%2e', '/a/%2E%2E%2F%2E%2E', '/%2Fetc%2Fpasswd', '/%00', '/.wh..wh..opq', '/.wh.f'])(
    'whose path is %s names a file in the destination, or is refused',
    async (path) => {
      await using server = await startFileServer();
      const shownPath = new URL(path, server.url).pathname;
      server.files.set(shownPath, { content: 'x' });
      const outcome = await added(`${server.url}${path}`).then(
        async ({ image }) => (await rootTar(shop, image)).toString('latin1'),
        (error: { code?: string }) => error.code,
      );
      if (path.includes('.wh.')) expect(outcome).toBe('TBUILD_COPY');
      else expect(outcome).toMatch(/^x\/\0[\s\S]*x\/(?:download|__unnamed__|passwd)\0/);
    },
  );
});
