import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { file, symlink } from '../../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import { ownRules } from '../../../src/checks/own-rules.ts';
import { checkDockerfile } from '../../../src/index.ts';
import type { BuildOptions, CheckReport } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { startRegistry } from '../../helpers/registry.ts';
import type { Tree } from '../../helpers/tree.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop[Symbol.asyncDispose]());

const check = (context: string, options: Partial<BuildOptions> & { strict?: boolean } = {}): Promise<CheckReport> =>
  checkDockerfile({ context, store: shop.store, ...options });

/** `Rule: message` of those that docker does not have. */
async function found(context: string, options?: Parameters<typeof check>[1]): Promise<readonly string[]> {
  const own = new Set(ownRules.map(({ name }) => name));
  const { findings } = await check(context, options);
  return findings.filter(({ rule }) => own.has(rule)).map(({ rule, message }) => `${rule}: ${message}`);
}

/** Programs that stand in for package managers: each writes what such a one leaves. */
const programs: Tree = {
  'bin/clean': '#!/bin/sh\nrm -r /root/.npm\n',
  'bin/clean-big': '#!/bin/sh\nrm /big\n',
  'bin/npm': '#!/bin/sh\nmkdir -p /root/.npm/_cacache /app/node_modules\necho cached > /root/.npm/_cacache/entry\n',
};

function contextOf(dockerfile: string, files: Tree = {}): string {
  const context = shop.context({ ...programs, ...files, Dockerfile: dockerfile });
  for (const name of Object.keys(programs)) chmodSync(join(context, name), 0o755);
  return context;
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('what earlier builds remember', () => {
  const dockerfile = 'FROM base\nCOPY bin/npm /bin/npm\nCOPY . /app\nWORKDIR /app\nRUN npm ci\n';

  test('a copy before an installation says how long that took, and how often it ran again because of the copy', async () => {
    const context = contextOf(dockerfile, { 'package.json': '{}', 'a.js': '1' });
    const [before] = await found(context);
    expect(before).toMatch(
      /^CopyBeforeInstall: "COPY \. \/app" stands before npm ci in line 5, which any change of its files makes run again: copy/,
    );

    await shop.build(context);
    expect((await found(context))[0]).toMatch(/makes run again \(it took \d+ms when it last ran\): copy package\.json/);

    for (const text of ['2', '3']) {
      writeFileSync(join(context, 'a.js'), text);
      await shop.build(context);
    }
    // Reused, which counts for nothing.
    await shop.build(context);
    expect((await found(context))[0]).toMatch(
      /\(it took \d+ms when it last ran, and it ran again 2 times because of this COPY\): copy package\.json first$/,
    );

    writeFileSync(join(context, 'Dockerfile'), dockerfile.replace('WORKDIR /app', 'WORKDIR /app\nENV A=1'));
    await shop.build(context);
    expect((await found(context))[0]).toContain('it ran again 2 times');
  });

  test('what a package manager left is weighed in its layer', async () => {
    const context = contextOf('FROM base\nCOPY bin/npm /bin/npm\nRUN npm ci\n');
    await shop.build(context);
    expect(await found(context)).toEqual([
      expect.stringMatching(
        /^PackageCacheInLayer: npm leaves its cache in ~\/\.npm \(7B\): mount a cache on \/root\/\.npm/,
      ),
    ]);
  });

  test('what was seen to leave nothing is not told', async () => {
    const context = contextOf('FROM base\nCOPY bin /bin/\nRUN npm ci && clean\n');
    expect(await found(context)).toHaveLength(1);
    await shop.build(context);
    expect(await found(context)).toEqual([]);
  });

  test('deletions are found in the layers, whatever the command was', async () => {
    const dockerfile = 'FROM base\nCOPY bin/clean-big /bin/\nCOPY big small /\nRUN clean-big\n';
    const context = contextOf(dockerfile, { big: Buffer.alloc(300_000, 'x'), small: 'x' });
    expect(await found(context)).toEqual([]);
    await shop.build(context);
    expect(await found(context)).toEqual([
      'DeletedInLaterLayer: "RUN clean-big" deletes /big (300kB), which "COPY big small /" in line 3 has put into a layer below: it stays in the image',
    ]);
  });

  test('a directory that is removed and made anew hides what was in it; files of the base are nobody’s', async () => {
    const dockerfile =
      'FROM base AS one\nCOPY big /data/big\nFROM one\nRUN rm -r /data /etc; mkdir -p /data; echo new > /data/new\nRUN rm /data/new\n';
    const context = contextOf(dockerfile, { big: Buffer.alloc(100_000, 'x') });
    await shop.build(context);
    expect(await found(context)).toEqual([
      expect.stringMatching(
        /^DeletedInLaterLayer: .* deletes \/data\/big \(100kB\), which "COPY big \/data\/big" in line 2/,
      ),
      expect.stringMatching(/^DeletedInLaterLayer: "RUN rm \/data\/new" deletes \/data\/new \(4B\)/),
    ]);
  });

  test('where the Dockerfile was changed since, the text counts', async () => {
    const context = contextOf('FROM base\nCOPY bin/clean-big /bin/\nCOPY big /big\nRUN clean-big\n', {
      big: Buffer.alloc(100_000, 'x'),
    });
    await shop.build(context);
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM base\nCOPY bin/clean-big /bin/\nCOPY big /big\nRUN rm /big; echo\n',
    );
    expect(await found(context)).toEqual([expect.stringContaining('deletes /big (100kB), which "COPY big /big"')]);
  });

  test('layers that prune has removed are not missed', async () => {
    const context = contextOf('FROM base\nCOPY big /big\nRUN rm /big\n', { big: 'x' });
    const { image } = await shop.build(context);
    await shop.store.removeImage(image.id);
    await shop.store.prune({ all: true });
    expect(await found(context)).toEqual([expect.stringMatching(/^DeletedInLaterLayer: /)]);
  });

  test('an ordinary build tells none of it', async () => {
    const context = contextOf(`${dockerfile}RUN rm /app/a.js\n`, { 'a.js': '1', '.env': 'A=1', 'package.json': '{}' });
    const own = new Set<string>(ownRules.map(({ name }) => name));
    const { events } = await shop.build(context);
    expect(events.filter((event) => event.type === 'warning' && own.has(event.code))).toEqual([]);
    expect((await found(context)).map((line) => line.split(':')[0])).toEqual([
      'CopyBeforeInstall',
      'SecretInCopiedFile',
      'PackageCacheInLayer',
      'DeletedInLaterLayer',
    ]);
  });
});

describe.skipIf(lacks('user-namespaces'))('files of the context', () => {
  test('are read where a step takes them, and named without their values', async () => {
    const context = shop.context({
      Dockerfile: 'FROM base\nCOPY . /app\nCOPY conf/*.ini /etc/\nCOPY <<EOT /x/.env\nB=inline\nEOT\n',
      '.dockerignore': 'ignored\n',
      '.env': '# none\nPASSWORD=hunter2\n',
      'ignored/.env': 'PASSWORD=hunter2\n',
      'conf/a.ini': 'a=1\n',
    });
    const lines = await found(context);
    expect(lines).toEqual([
      'SecretInCopiedFile: "COPY . /app" takes .env (line 2 looks like a setting of an environment file)',
      'SecretInCopiedFile: "COPY <<EOT /x/.env" takes /x/.env (line 1 looks like a setting of an environment file)',
    ]);
    expect(JSON.stringify(await check(context))).not.toContain('hunter2');
    expect(spawnSync('grep', ['-rl', 'hunter2', shop.store.root], { encoding: 'utf8' })).toMatchObject({ stdout: '' });
  });

  test('that are links, pipes, large or no text are not read', async () => {
    const secret = shop.context({ '.env': 'A=1' });
    const context = shop.context({
      Dockerfile: 'FROM base\nCOPY . /app\n',
      'big/.env': `A=1\n${'#'.repeat(300_000)}`,
      'binary/.env': 'A=1\n\0',
    });
    symlinkSync(join(secret, '.env'), join(context, '.env'));
    mkdirSync(join(context, 'pipe'));
    execFileSync('mkfifo', [join(context, 'pipe/.env')]);
    expect(await found(context)).toEqual([]);
  });

  test('that cannot be listed leave a check what it can say without', async () => {
    const context = shop.context({ Dockerfile: 'FROM base\nCOPY gone /app\nCOPY gone/ /app\nRUN npm ci\n' });
    expect((await found(context)).map((line) => line.split(':')[0])).toContain('CopyBeforeInstall');
  });

  test('are read also where the context is a tar on standard input, as far as they are small files', async () => {
    const tar = tarOf(
      file('Dockerfile', 'FROM base\nCOPY app /app\nRUN npm ci\nRUN rm /app/old\n'),
      file('app/package.json', '{}'),
      file('app/old', 'old'),
      file('app/.env', 'A=hunter2'),
      file('app/large/.env', `A=1\n${'#'.repeat(300_000)}`),
      symlink('app/link/.env', '../.env'),
      file('other/.env', 'A=1'),
    );
    const stdin = (async function* () {
      yield tar;
    })();
    expect(await found('-', { stdin })).toEqual([
      expect.stringMatching(/^CopyBeforeInstall: /),
      'SecretInCopiedFile: "COPY app /app" takes app/.env (line 1 looks like a setting of an environment file)',
      expect.stringMatching(/^PackageCacheInLayer: /),
      expect.stringContaining('deletes /app/old (3B), which "COPY app /app"'),
    ]);
  });

  test('are not read for a Dockerfile on standard input without a context', async () => {
    const stdin = (async function* () {
      yield Buffer.from('FROM base\nCOPY . .\nRUN npm ci\n');
    })();
    expect(await found('-', { stdin })).toEqual([expect.stringMatching(/^PackageCacheInLayer: /)]);
  });
});

describe.skipIf(lacks('user-namespaces'))('--check=strict', () => {
  test('tells the digest that a name stands for, of images of the store and of a registry', async () => {
    await using registry = await startRegistry();
    const { digest } = registry.putImage('app:1', { layers: [tarOf({ name: 'a', content: 'a' })] });
    const name = `${registry.host}/app:1`;
    const context = shop.context({ Dockerfile: `FROM ${name}\nENV A=1\n` });
    const told = `BaseWithoutDigest: ${name} has no digest, and may be another image next time; now it is ${name}@${digest}`;
    expect(await found(context)).toEqual([]);
    expect(await found(context, { strict: true })).toEqual([told]);
    await shop.build(context);
    expect(await found(context, { strict: true })).toEqual([told]);
  });
});
