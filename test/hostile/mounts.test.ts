import { chmodSync, lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { build, isTbuildError, openStore } from '../../src/index.ts';
import type { BuildOptions, Entitlement } from '../../src/index.ts';
import { lacks } from '../helpers/capabilities.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Built, Workshop } from '../helpers/workshop.ts';
import type { Tree } from '../helpers/tree.ts';
import { compileAttacker } from './attacker.ts';
import { plantCanary, secret } from './canary.ts';
import type { Canary } from './canary.ts';
import { closeWorkshop } from './leftovers.ts';

const program = compileAttacker();

describe.skipIf(lacks('user-namespaces', 'overlay'))('a hostile RUN with mounts', () => {
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

  const contextOf = (lines: string, files: Tree = {}): string => {
    const context = shop.context({
      ...files,
      Dockerfile: `FROM base AS first\nCOPY --chmod=0755 attacker /bin/\n${lines}\n`,
    });
    writeFileSync(join(context, 'attacker'), program);
    return context;
  };
  const run = (lines: string, files: Tree = {}, options: Partial<BuildOptions> = {}): Promise<Built> =>
    shop.build(contextOf(lines, files), { noCache: true, ...options });

  // CVE-2024-1753: a link to / as the source was followed on the host.
  it('mounts a symlink of a stage or a context as what it is inside of it', async () => {
    const { output } = await run(
      [
        `RUN ln -s / /root-link && ln -s ${canary.directory} /abs && ln -s ${canary.climbing} /climb && ln -s /proc/self/root /magic`,
        'FROM base',
        'RUN --mount=from=first,source=/root-link,target=/m ls /m',
      ].join('\n'),
    );
    expect(output).toContain('root-link\n');
    for (const source of ['abs', 'climb', `climb/file`, 'magic']) {
      const building = run(
        [
          `RUN ln -s ${canary.directory} /abs && ln -s ${canary.climbing} /climb && ln -s /proc/self/root /magic`,
          'FROM base',
          `RUN --mount=from=first,source=/${source},target=/m cat /m/file /m`,
        ].join('\n'),
      );
      await expect(building, source).rejects.toMatchObject({ code: 'TBUILD_SOURCE_NOT_FOUND' });
    }
    for (const link of [canary.directory, canary.climbing, '/proc/self/root']) {
      const building = run('RUN --mount=source=link,target=/m ls /m', { link: { link } });
      await expect(building, link).rejects.toMatchObject({ code: 'TBUILD_SOURCE_NOT_FOUND' });
    }
  });

  // CVE-2024-23652: what cleaned up mount points followed a symlink that the command had put in their place.
  it('leads nothing astray by what it puts in the place of a mount point', async () => {
    const { image } = await run(
      [
        `RUN --mount=type=tmpfs,target=/a/b/c --mount=type=tmpfs,target=/empty/directory mv /a /moved || true; rm -r /a/b || true; ln -s ${canary.directory} /x`,
        `RUN mkdir /d && mkdir /d/empty && write /d/file x`,
        `RUN --mount=type=tmpfs,target=/d/empty/new mv /d /e || true; ln -s ${canary.directory} /d/link || true`,
      ].join('\n'),
    );
    canary.expectUntouched();
    const entries = image.chain.flatMap(({ layer }) => [...shop.store.listing(layer).entries()]);
    expect(entries.filter(({ path }) => /^(a|empty)(\/|$)/.test(path))).toEqual([]);
  });

  // CVE-2024-23651, CVE-2024-11218: the source was looked up again after it had been checked.
  it('gets out of no cache mount by swapping its source for a symlink', async () => {
    const swapper = contextOf(`RUN --mount=type=cache,target=/c,id=race attacker swap /c/x ${canary.directory} 30`);
    const victim = contextOf(
      'ARG N\nRUN --mount=type=cache,target=/v,id=race,source=x ls /v; cat /v/file; touch /v/written; true',
    );
    await using second = await openStore({ root: shop.store.root });
    const swapping = shop.build(swapper, { noCache: true });
    const outcomes = new Set<string>();
    for (let round = 0; round < 40; round++) {
      let output = '';
      try {
        const building = build({ context: victim, store: second, buildArgs: { N: String(round) } });
        for await (const event of building)
          if (event.type === 'step:log') output += Buffer.from(event.chunk).toString();
        outcomes.add('inside');
      } catch (error) {
        if (!isTbuildError(error, 'TBUILD_SANDBOX_SETUP')) throw error;
        outcomes.add('refused');
      }
      expect(output).not.toContain(secret);
    }
    await swapping;
    canary.expectUntouched();
    expect([...outcomes].sort()).toEqual(['inside', 'refused']);
  });

  // CVE-2021-30465, CVE-2024-45310: the same for a mount point that lies in a shared directory.
  it('gets nothing made or mounted outside by swapping the place of a mount point for a symlink', async () => {
    const swapper = contextOf(`RUN --mount=type=cache,target=/c,id=points attacker swap /c/x ${canary.directory} 30`);
    const victim = contextOf(
      'ARG N\nRUN --mount=type=cache,target=/v,id=points --mount=type=tmpfs,target=/v/x/made-$N --mount=type=secret,id=s,target=/v/x/secret-$N true',
    );
    await using second = await openStore({ root: shop.store.root });
    const swapping = shop.build(swapper, { noCache: true });
    const outcomes = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const options = {
        context: victim,
        store: second,
        buildArgs: { N: String(round) },
        secrets: { s: { value: 's' } },
      };
      await build(options).result.then(
        () => outcomes.add('inside'),
        (error: unknown) => {
          if (!isTbuildError(error, 'TBUILD_SANDBOX_SETUP')) throw error;
          outcomes.add('refused');
        },
      );
    }
    await swapping;
    canary.expectUntouched();
    expect(outcomes).toContain('inside');
  });

  // CVE-2024-9407, GHSA-7236-3392-c5c6: options were passed on to mount(2); an unknown mode switched protections off.
  it.each([
    '--mount=type=bind,target=/m,bind-propagation=shared',
    '--mount=type=bind,target=/m,relabel=shared',
    '--mount=type=tmpfs,target=/m,size=1m:mode=777',
    '--mount=type=cache,target=/m,mode=777:suid',
    '--security=Insecure',
    '--security=',
    '--security=none',
    '--network=bridge',
    '--device=/dev/sda',
  ])('is refused with what nobody knows: %s', async (flag) => {
    await expect(run(`RUN ${flag} true`)).rejects.toMatchObject({
      code: expect.stringMatching(/^TBUILD_(DOCKERFILE_SYNTAX|UNSUPPORTED)$/) as string,
    });
  });

  it('gets commas, colons and newlines of a path into no option of a mount', async () => {
    const odd = 'a,rw:b\\c d';
    const { output } = await run(
      [
        'ARG P',
        'RUN --mount=type=tmpfs,target=/t$P,size=64k ls /',
        'RUN --mount=type=cache,target=/c$P touch /c$P/x || true',
        'RUN --mount=source=$P,target=/s$P true',
      ].join('\n'),
      { [`${odd}/f`]: 'x' },
      { buildArgs: { P: odd } },
    );
    expect(output).toContain(`t${odd}`.split('/')[0]);
  });

  // CVE-2024-23653: an entry point that did not ask whether it was allowed.
  describe('is insecure, or has the network of the host by name, only where that is allowed', () => {
    const ways: Readonly<Record<string, (flag: string) => string>> = {
      'an instruction': (flag) => `RUN ${flag} true`,
      'a stage that the target needs': (flag) =>
        `FROM base AS s\nRUN ${flag} true\nFROM base\nCOPY --from=s /bin/init /x`,
      'a trigger of a stage': (flag) => `FROM base AS s\nONBUILD RUN ${flag} true\nFROM s`,
      'a trigger of an image': () => 'FROM triggering',
    };
    const cases = Object.keys(ways).flatMap((way) => [
      [way, '--security=insecure', 'security.insecure'] as const,
      [way, '--network=host', 'network.host'] as const,
    ]);

    it.each(cases)('%s with %s', async (way, flag, entitlement) => {
      await shop.build(shop.context({ Dockerfile: `FROM base\nONBUILD RUN ${flag} true` }), { tags: ['triggering'] });
      const context = shop.context({ Dockerfile: (ways[way] ?? String)(flag).replace(/^(?!FROM)/, 'FROM base\n') });
      const refused = { code: 'TBUILD_NOT_ALLOWED', details: { entitlement } };
      const others = (['network.host', 'security.insecure'] as const).filter((name) => name !== entitlement);
      for (const allow of [undefined, [], others]) {
        await expect(shop.build(context, { allow })).rejects.toMatchObject(refused);
      }
      await shop.build(context, { allow: [entitlement] });
      // What has been built before is no way around it either.
      await expect(shop.build(context)).rejects.toMatchObject(refused);
    });

    it('not for an entitlement that does not exist', () => {
      const allow = ['security.Insecure', 'all'] as unknown as Entitlement[];
      expect(() => build({ context: shop.directory, allow })).toThrow('unknown entitlement');
    });

    it('and --network=host allows the one, not the other', async () => {
      await run('RUN --network=host true', {}, { network: 'host' });
      await expect(run('RUN --security=insecure true', {}, { network: 'host' })).rejects.toMatchObject({
        code: 'TBUILD_NOT_ALLOWED',
      });
    });
  });

  it('changes nothing of the context, of a stage or of the store through a writable mount', async () => {
    const context = contextOf(
      [
        'RUN mkdir /d && write /d/f original && write /d/g original',
        'FROM base',
        'RUN --mount=target=/m,rw --mount=from=first,source=/d,target=/s,rw chmod 777 /m/file && chown 9:9 /m/file && write /m/file changed && rm -r /m/dir && chmod 777 /s && write /s/f changed && rm /s/g && ln /m/keep /m/linked && write /m/linked changed && touch /m/new',
        'RUN --mount=target=/m --mount=from=first,source=/d,target=/s stat /m/file /m/keep /m/dir/g && cat /m/file /m/keep /m/dir/g /s/f /s/g',
      ].join('\n'),
      { file: 'original', keep: 'original', 'dir/g': 'original' },
    );
    chmodSync(join(context, 'file'), 0o640);
    const before = fingerprint(context);
    const { output } = await shop.build(context, { noCache: true });
    expect(output.match(/original/g)).toHaveLength(5);
    expect(output).toMatch(/^f 640 0:0 8 1 \d+ \/m\/file\nf 644 0:0 8 1 /);
    expect(fingerprint(context)).toEqual(before);
  });

  it('shares no inode with files of the user', async () => {
    const context = contextOf('RUN --mount=target=/m true', { file: 'x'.repeat(5000) });
    await shop.build(context);
    expect(lstatSync(join(context, 'file')).nlink).toBe(1);
  });

  it('makes no device, and opens none, in a cache mount or in memory', async () => {
    const { output } = await run(
      'RUN --mount=type=cache,target=/c,id=devices --mount=type=tmpfs,target=/t --mount=target=/m,rw mknod /c/null c 1 3 || mknod /t/null c 1 3 || mknod /m/null c 1 3 || echo refused',
    );
    expect(output).toContain('refused');
  });

  it('leaves a cache mount that prune can remove, whatever is in it', async () => {
    await run('RUN --mount=type=cache,target=/c,id=deep cd /c && attacker deep 30 || true');
    await run('RUN --mount=type=cache,target=/c,id=shut mkdir /c/d && touch /c/d/f && chmod 0 /c/d && chmod 0 /c');
    await run(`RUN --mount=type=cache,target=/c,id=links ln -s ${canary.directory} /c/out && ln -s / /c/root`);
    const { mounts } = await shop.store.prune({ all: true });
    expect(mounts.map(({ id }) => id)).toEqual(expect.arrayContaining(['deep', 'shut', 'links']));
    expect(readdirSync(join(shop.store.root, 'mounts'))).toEqual([]);
    canary.expectUntouched();
  });
});

/** Names, owners, modes, links, times and contents. */
function fingerprint(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .toSorted()
    .map((name) => {
      const path = join(directory, name);
      const { mode, uid, gid, nlink, ctimeMs, mtimeMs } = lstatSync(path);
      const content = lstatSync(path).isFile() ? readFileSync(path).toString('base64') : '';
      return [name, mode, uid, gid, nlink, ctimeMs, mtimeMs, content].join(' ');
    });
}
