import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { symlink } from '../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../fixtures/layers/tar-bytes.ts';
import { isTbuildError } from '../../src/index.ts';
import { lacks } from '../helpers/capabilities.ts';
import { startFileServer } from '../helpers/file-server.ts';
import type { FileServer } from '../helpers/file-server.ts';
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
let server: FileServer;
beforeAll(async () => {
  shop = await openWorkshop();
  canary = plantCanary();
});
afterAll(async () => {
  canary.expectUntouched();
  canary[Symbol.dispose]();
  await closeWorkshop(shop);
});
beforeEach(async () => {
  server = await startFileServer();
});
afterEach(() => server[Symbol.asyncDispose]());

/** All that a build says or makes. */
async function shown(...[context, options]: Parameters<Workshop['build']>): Promise<string> {
  try {
    const { image, output, events } = await shop.build(context, options);
    return `${(await rootTar(shop, image)).toString('latin1')}${output}${JSON.stringify(events)}`;
  } catch (error) {
    if (!isTbuildError(error)) throw error;
    return JSON.stringify([error.message, error.hint, error.details, String(error.cause)]);
  }
}

const ways = [
  'DIRECTORY/file',
  '../../../../../../../../../../../../../../DIRECTORY/file',
  '/proc/self/root/DIRECTORY/file',
];
const towards = (way: string): string => {
  const path = way.replace('DIRECTORY', canary.directory.slice(1));
  return path.startsWith('.') || path.startsWith('/') ? path : `/${path}`;
};

describe.skipIf(lacks('tool:git'))('a repository as build context', () => {
  let git: GitServer;
  let repository: ServedRepository;
  beforeEach(async () => {
    git = await startGitServer();
    repository = git.repository('r');
  });
  afterEach(() => git[Symbol.asyncDispose]());

  it.each(ways)('whose Dockerfile is a link that leads out (%s) is not read there', async (way) => {
    repository.commit({ Dockerfile: `-> ${towards(way)}`, 'd/Dockerfile': `-> ../${towards(way)}` });
    for (const rest of ['', '#:d']) expect(await shown(`${git.url}/r.git${rest}`)).not.toContain(secret);
  });

  it.each(ways)('whose directory is a link that leads out (%s) is not read there', async (way) => {
    repository.commit({ out: `-> ${towards(way).replace(/\/file$/, '')}` });
    const dockerfile = (): Partial<Parameters<Workshop['build']>[1]> => ({
      dockerfile: '-',
      stdin: Readable.from([Buffer.from('FROM scratch\nCOPY . /x/\n')]),
    });
    for (const rest of ['#:out', '#:out/directory']) {
      expect(await shown(`${git.url}/r.git${rest}`, dockerfile())).not.toContain(secret);
    }
  });

  it.each(ways)('whose sources lead out (%s) has nothing of what is there, not in mounts either', async (way) => {
    repository.commit({
      Dockerfile: 'FROM base\nCOPY . /all/\nRUN --mount=target=/m cat /m/out; true\nCOPY out /x\n',
      out: `-> ${towards(way)}`,
    });
    expect(await shown(`${git.url}/r.git`)).not.toContain(secret);
  });

  it('that the server sends elsewhere is not followed to files of this machine', async () => {
    git.redirect = 'file:///etc';
    await expect(shop.build(`${git.url}/r.git`)).rejects.toMatchObject({ code: 'TBUILD_GIT' });
  });
});

describe('a URL as build context', () => {
  it.each(ways)('whose Dockerfile is a link that leads out (%s) is not read there', async (way) => {
    server.files.set('/c', { content: tarOf(symlink('Dockerfile', towards(way)), symlink('D', 'Dockerfile')) });
    expect(await shown(`${server.url}/c`)).not.toContain(secret);
    for (const dockerfile of ['D', `../../../../../../..${canary.directory}/file`]) {
      expect(await shown(`${server.url}/c`, { dockerfile })).not.toContain(secret);
    }
  });

  it('that leads to a file of this machine is not followed', async () => {
    server.files.set('/c', { content: '', status: 302, headers: { location: `file://${canary.directory}/file` } });
    await expect(shop.build(`${server.url}/c`)).rejects.toMatchObject({ code: 'TBUILD_DOWNLOAD' });
    await expect(shop.build(shop.context({}), { dockerfile: `${server.url}/c` })).rejects.toMatchObject({
      code: 'TBUILD_DOWNLOAD',
    });
  });

  it('of a Dockerfile without end is refused', async () => {
    server.files.set('/long', { content: Buffer.alloc(17 * 1024 * 1024, '#') });
    const tooLarge = { code: 'TBUILD_DOCKERFILE_SYNTAX', message: expect.stringContaining('16777216') as string };
    await expect(shop.build(`${server.url}/long`)).rejects.toMatchObject(tooLarge);
    await expect(shop.build(shop.context({}), { dockerfile: `${server.url}/long` })).rejects.toMatchObject(tooLarge);
  });
});
