import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { startGitServer } from '../../helpers/git-server.ts';
import { programPath, startProgram, tbuild } from '../../helpers/program.ts';
import { openBench } from './bench.ts';
import type { Bench } from './bench.ts';

const content = (): string => randomBytes(256 * 1024).toString('hex');

/** Kills a build at many moments: whatever it was at, the store holds nothing that is wrong. */
async function killAtMoments(bench: Bench, context: string): Promise<void> {
  for (const after of [250, 400, 500, 600, 700, 850, 1000]) {
    const program = startProgram([process.execPath, programPath, 'build', '--store', bench.store, context]);
    await Promise.race([program.ended, delay(after)]);
    program.kill('SIGKILL');
    await program.ended;
    expect(await bench.audit()).toEqual([]);
  }
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('kill -9 while a context is fetched', () => {
  it.skipIf(lacks('tool:git'))('of a repository leaves nothing that is served, and nothing after prune', async () => {
    using bench = await openBench();
    await using git = await startGitServer();
    const repository = git.repository('r');
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`d/f${index}`, content()]));
    repository.commit({ ...files, Dockerfile: 'FROM base\nCOPY . /all/\nRUN ls /all/d > /list\n' });
    await killAtMoments(bench, `${git.url}/r.git`);
    const built = await tbuild('build', '--store', bench.store, '-q', `${git.url}/r.git`);
    expect(built).toMatchObject({ code: 0 });
    expect(await bench.audit()).toEqual([]);
    expect(await bench.leftAfterPrune()).toEqual([]);
  });

  it('of an archive that never ends leaves nothing that is served, and nothing after prune', async () => {
    using bench = await openBench();
    const files = Array.from({ length: 12 }, (_, index) => ({ name: `f${index}`, content: content() }));
    const dockerfile = { name: 'Dockerfile', content: 'FROM base\nCOPY . /all/\n' };
    const tar = tarOf(dockerfile, ...files);
    let stopsAfter = tar.length / 2;
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': String(tar.length), etag: '"1"' });
      response.write(tar.subarray(0, stopsAfter));
      if (stopsAfter === tar.length) response.end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/c.tar`;
    try {
      await killAtMoments(bench, url);
      stopsAfter = tar.length;
      await killAtMoments(bench, url);
      expect(await tbuild('build', '--store', bench.store, '-q', url)).toMatchObject({ code: 0 });
      expect(await bench.audit()).toEqual([]);
      expect(await bench.leftAfterPrune()).toEqual([]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
