import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTbuildError } from '../../src/index.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';
import { plantCanary, secret } from './canary.ts';
import type { Canary } from './canary.ts';
import { rootTar } from './routes.ts';

describe('a build context from elsewhere', () => {
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

  it.each([
    'COPY link /out',
    'COPY link/ /out/',
    'COPY link/file /out',
    'COPY link/* /out/',
    'COPY l* /out/',
    'COPY tofile /out',
    'COPY climb/file /out',
    'COPY chain/file /out',
    'COPY inner/../link/file /out',
    'COPY ../file /out',
    'COPY ../../../../../../../../../../../../ABSOLUTE/file /out',
    'COPY /ABSOLUTE/file /out',
    'COPY inner/../../../../../../../../../ABSOLUTE/file /out',
    'COPY proc/root/ABSOLUTE/file /out',
    'COPY . /out',
    'ADD tofile /out',
    'ADD link/file /out',
    'COPY --from=named link/file /out',
    'COPY --from=named ../named-outside /out',
    'COPY --from=named . /out',
  ])('gives %s nothing from outside of it', async (step) => {
    const files = {
      link: { link: canary.directory },
      tofile: { link: join(canary.directory, 'file') },
      climb: { link: canary.climbing },
      chain: { link: 'link' },
      proc: { link: '/proc/self' },
      'inner/file': 'x',
    };
    const dockerfile = `FROM scratch\n${step.replace('ABSOLUTE', canary.directory.slice(1))}\n`;
    const context = shop.context({ Dockerfile: dockerfile, ...files });
    const named = shop.context(files);
    try {
      const { image } = await shop.build(context, { buildContexts: { named } });
      expect((await rootTar(shop, image)).includes(secret)).toBe(false);
    } catch (error) {
      expect(isTbuildError(error, 'TBUILD_SOURCE_NOT_FOUND') || isTbuildError(error, 'TBUILD_CONTEXT')).toBe(true);
      expect(JSON.stringify(error) + String(error)).not.toContain(secret);
    }
  });

  it.each(['Dockerfile', '.dockerignore'])('cannot have a file outside quoted by way of its %s', async (name) => {
    const context = shop.context({ [name === 'Dockerfile' ? 'other' : 'Dockerfile']: 'FROM scratch\nCOPY . /\n' });
    symlinkSync(join(canary.directory, 'file'), join(context, name));
    const refused = await shop.build(context).catch((error: unknown) => error);
    expect(isTbuildError(refused)).toBe(true);
    expect(String(refused) + JSON.stringify(refused)).not.toContain(secret);
    expect(refused).toMatchObject({ code: name === 'Dockerfile' ? 'TBUILD_DOCKERFILE_NOT_FOUND' : 'TBUILD_CONTEXT' });
  });

  it('may have a Dockerfile that is a symlink inside of it', async () => {
    const context = shop.context({
      'docker/app': 'FROM scratch\nCOPY docker /d\n',
      Dockerfile: { link: 'docker/app' },
    });
    expect((await shop.build(context)).executed).toBe(1);
  });

  it.each(['Dockerfile', '.dockerignore'])('cannot hang the build by a fifo or a device as its %s', async (name) => {
    // A directory called .dockerignore is an ordinary directory.
    const kinds = ['fifo', 'device', ...(name === 'Dockerfile' ? ['directory'] : [])];
    for (const kind of kinds) {
      const context = shop.context(name === 'Dockerfile' ? {} : { Dockerfile: 'FROM scratch\nCOPY . /\n' });
      if (kind === 'fifo') execFileSync('mkfifo', [join(context, name)]);
      else if (kind === 'device') symlinkSync('/dev/zero', join(context, name));
      else execFileSync('mkdir', [join(context, name)]);
      await expect(shop.build(context)).rejects.toMatchObject({
        code: expect.stringMatching(/^TBUILD_(DOCKERFILE_NOT_FOUND|CONTEXT)$/) as string,
      });
    }
  });

  it('may hold sockets, fifos and unreadable names without hanging the build', async () => {
    const context = shop.context({ Dockerfile: 'FROM scratch\nCOPY file /\n', file: 'x' });
    execFileSync('mkfifo', [join(context, 'fifo')]);
    execFileSync('python3', [
      '-c',
      'import os,sys,socket; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind("socket"); open(b"bad\\xff", "w"); open("line\\nbreak", "w")',
      context,
    ]);
    expect((await shop.build(context)).executed).toBe(1);
  });

  it('brings no image layout that hangs or fills memory by fifos and devices', async () => {
    const layout = mkdtempSync(join(tmpdir(), 'tbuild-layout-'));
    try {
      for (const make of [['mkfifo'], ['ln', '-s', '/dev/zero']]) {
        for (const name of ['oci-layout', 'index.json']) {
          rmSync(layout, { recursive: true });
          execFileSync('mkdir', [layout]);
          if (name === 'index.json')
            execFileSync('sh', ['-c', `echo '{"imageLayoutVersion":"1.0.0"}' > ${layout}/oci-layout`]);
          execFileSync(make[0] ?? '', [...make.slice(1), join(layout, name)]);
          const context = shop.context({ Dockerfile: 'FROM evil\nLABEL a=b\n' });
          const building = shop.build(context, { buildContexts: { evil: `oci-layout://${layout}` } });
          await expect(building).rejects.toMatchObject({ code: 'TBUILD_MANIFEST' });
        }
      }
    } finally {
      rmSync(layout, { recursive: true });
    }
  });
});
