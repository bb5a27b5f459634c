import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { build, openStore, prune } from '../../../src/index.ts';
import type { BuildEvent, BuildOptions } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Built, Workshop } from '../../helpers/workshop.ts';
import type { Tree } from '../../helpers/tree.ts';

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

let count = 0;

/** Every build runs: what is in a cache mount is in no key. */
function run(lines: string | readonly string[], files: Tree = {}, options: Partial<BuildOptions> = {}): Promise<Built> {
  const text = [lines].flat().join('\n');
  const dockerfile = text.startsWith('FROM') ? text : `FROM base\n${text}`;
  return workshop.build(workshop.context({ ...files, Dockerfile: dockerfile }), { noCache: true, ...options });
}

/** An id that no other test has. */
const fresh = (): string => `cache-${++count}`;

describe.skipIf(lacks('user-namespaces', 'overlay'))('RUN --mount=type=cache', () => {
  test('keeps what is written to it, and puts it in no layer', async () => {
    const target = `/${fresh()}`;
    const first = await run(`RUN --mount=type=cache,target=${target} stat ${target} && write ${target}/f kept`);
    expect(first.output).toMatch(/^d 755 0:0 /);
    const second = await run([
      `RUN --mount=type=cache,target=${target} cat ${target}/f`,
      `RUN stat ${target} || echo gone`,
    ]);
    expect(second.output).toContain('kept');
    expect(second.output).toContain('gone');
  });

  test('is told apart by id, which is the target where none is given, and by namespace', async () => {
    const id = fresh();
    const look = (mount: string): string => `RUN --mount=type=cache,${mount} write /look look && ls /c`;
    const { output } = await run([
      `RUN --mount=type=cache,target=/c,id=${id} touch /c/by-id`,
      `RUN --mount=type=cache,target=/${id}/sub touch /${id}/sub/by-target`,
      `RUN --mount=type=cache,target=/d,id=${id} ls /d`,
      `RUN --mount=type=cache,target=/d,id=/${id}/sub ls /d`,
      'WORKDIR /one',
      `RUN --mount=type=cache,target=${id}r touch ${id}r/relative`,
      'WORKDIR /two',
      `RUN --mount=type=cache,target=./${id}r/ ls ${id}r`,
      `RUN --mount=type=cache,target=/two/${id}r ls /two/${id}r; echo none`,
    ]);
    expect(output).toBe('by-id\nby-target\nrelative\nnone\n');
    const elsewhere = await run(look(`target=/c,id=${id}`), {}, { buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'other' } });
    expect(elsewhere.output).toBe('');
  });

  test('has the mode and owner that are asked for, each with a directory of its own', async () => {
    const id = fresh();
    const { output } = await run([
      `RUN --mount=type=cache,target=/c,id=${id},mode=0700,uid=5,gid=6 stat /c && touch /c/a`,
      `RUN --mount=type=cache,target=/c,id=${id} stat /c && ls /c`,
      `RUN --mount=type=cache,target=/c,id=${id},uid=5,gid=6,mode=0700 ls /c`,
      `RUN --mount=type=cache,target=/c,id=${id},mode=0711 stat /c && ls /c`,
      'USER 5:6',
      `RUN --mount=type=cache,target=/c,id=${id},mode=0700,uid=5,gid=6 touch /c/b && ls /c`,
      `RUN --mount=type=cache,target=/c,id=${id} touch /c/x || echo closed`,
    ]);
    const lines = output.split('\n').map((line) => line.replace(/ \d+ \d+ \d+ \/c$/, ''));
    expect(lines.filter((line) => !line.startsWith('init:'))).toEqual([
      'd 700 5:6',
      'd 755 0:0',
      'a',
      'd 711 0:0',
      'a',
      'b',
      'closed',
      '',
    ]);
  });

  test('starts with files of a stage or of a named context, once', async () => {
    const id = fresh();
    const named = workshop.context({ 'deps/x': 'X', other: '' });
    const stage = [
      'FROM base AS st',
      'RUN mkdir /d && mkdir /d/sub && write /d/sub/f one && chown 7:8 /d && chown 7:8 /d/sub/f && chmod 750 /d',
    ];
    const { output } = await run(
      [
        ...stage,
        'FROM base',
        `RUN --mount=type=cache,target=/c,id=${id},from=st,source=/d stat /c /c/sub/f && write /c/sub/f two`,
        `RUN --mount=type=cache,target=/c,id=${id},from=st,source=d cat /c/sub/f; echo`,
        `RUN --mount=type=cache,target=/c,id=${id},from=st,source=/d cat /c/sub/f; echo`,
        `RUN --mount=type=cache,target=/c,id=${id},from=st,source=/d/sub/f cat /c; echo`,
        `RUN --mount=type=cache,target=/c,id=${id},from=st cat /c/d/sub/f; echo`,
        `RUN --mount=type=cache,target=/c,id=${id},from=st,uid=3 stat /c && ls /c`,
        `RUN --mount=type=cache,target=/c,id=${id},from=named,source=deps stat /c/x && cat /c/x`,
      ],
      {},
      { buildContexts: { named } },
    );
    const plain = output.replaceAll(/ \d+ \d+ \d+ \/c\S*/g, '').split('\n');
    expect(plain).toEqual(['d 750 7:8', 'f 644 7:8', 'one', 'two', 'one', 'one', 'd 755 3:0', 'f 644 0:0', 'X']);
  });

  test('can be a part of what is kept, inside of it, and read-only', async () => {
    const id = fresh();
    const { output } = await run([
      `RUN --mount=type=cache,target=/c,id=${id} mkdir /c/sub && write /c/sub/f f && ln -s sub /c/link && ln -s /etc /c/out`,
      `RUN --mount=type=cache,target=/s,id=${id},source=sub cat /s/f && touch /s/more`,
      `RUN --mount=type=cache,target=/s,id=${id},source=/link,ro ls /s && touch /s/x || echo refused`,
    ]);
    // What goes to standard error may come before or behind.
    expect(output.replaceAll(/^init: .*\n/gm, '')).toBe('ff\nmore\nrefused\n');
    for (const source of ['out', 'nope', '../../..']) {
      const building = run(`RUN --mount=type=cache,target=/s,id=${id},source=${source} ls /s/sub`);
      if (source === '../../..') expect((await building).output).toBe('f\nmore\n');
      else await expect(building).rejects.toMatchObject({ code: 'TBUILD_SANDBOX_SETUP', details: { path: source } });
    }
  });

  test('can be there twice in one command, in any mode', async () => {
    for (const sharing of ['shared', 'private', 'locked']) {
      const id = fresh();
      const { output } = await run(
        `RUN --mount=type=cache,target=/a,id=${id},sharing=${sharing} --mount=type=cache,target=/b,id=${id},sharing=${sharing} touch /a/x && ls /b`,
      );
      expect(output).toBe('x\n');
    }
  });

  test('whatever its id is, lies in a directory of the store that is named by a hash', async () => {
    for (const id of ['../../../escape', '/etc', '.', '..', 'a\nb', `x${'y'.repeat(5000)}`]) {
      await run(`ARG ID\nRUN --mount=type=cache,target=/c,id=\${ID} touch /c/in`, {}, { buildArgs: { ID: id } });
    }
    const mounts = readdirSync(join(workshop.store.root, 'mounts'));
    expect(mounts.filter((name) => !/^[0-9a-f]{64}$/.test(name))).toEqual([]);
    expect(existsSync(join(workshop.store.root, '../escape'))).toBe(false);
    expect((await workshop.store.listCacheMounts()).map(({ id }) => id)).toEqual(
      expect.arrayContaining(['../../../escape', '/etc', 'a\nb']),
    );
  });

  test('is closed to everybody else on this machine', async () => {
    await run(`RUN --mount=type=cache,target=/${fresh()} true`);
    const [mount] = await workshop.store.listCacheMounts();
    expect(statSync(join(mount?.copies[0]?.directory ?? '', '../..')).mode & 0o077).toBe(0);
  });

  test('goes with prune --all', async () => {
    await using other = await openWorkshop();
    const context = other.context({
      Dockerfile: 'FROM base\nRUN --mount=type=cache,target=/c,uid=1,mode=0700 fill /c/big 5000',
    });
    await other.build(context);
    const storeRoot = other.store.root;
    expect((await prune({ storeRoot })).mounts).toEqual([]);
    const { mounts, reclaimed } = await prune({ storeRoot, all: true });
    expect(mounts).toMatchObject([{ id: '/c' }]);
    expect(mounts[0]?.size).toBeGreaterThan(5000);
    expect(reclaimed).toBeGreaterThanOrEqual(mounts[0]?.size ?? 0);
    expect(readdirSync(join(storeRoot, 'mounts'))).toEqual([]);
    expect(readdirSync(join(storeRoot, 'tmp'))).toHaveLength(1);
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('two builds at once with a cache mount', () => {
  /** Both write when they begin and when they end; each sees who is there. */
  const both = async (sharing: string): Promise<readonly [string, string]> => {
    const id = fresh();
    const dockerfile = `FROM base\nARG NAME\nRUN --mount=type=cache,target=/c,id=${id},sharing=${sharing} touch /c/$NAME-begin && sleep 0.7 && ls /c && touch /c/$NAME-end`;
    const context = workshop.context({ Dockerfile: dockerfile });
    await using second = await openStore({ root: workshop.store.root });
    const one = collect(build({ context, store: workshop.store, noCache: true, buildArgs: { NAME: 'a' } }));
    const two = collect(build({ context, store: second, noCache: true, buildArgs: { NAME: 'b' } }));
    return await Promise.all([one, two]);
  };
  const collect = async (events: AsyncIterable<BuildEvent>): Promise<string> => {
    let output = '';
    for await (const event of events) if (event.type === 'step:log') output += Buffer.from(event.chunk).toString();
    return output;
  };

  test('shared: both have it at the same time', async () => {
    for (const output of await both('shared')) {
      expect(output).toContain('a-begin');
      expect(output).toContain('b-begin');
    }
  });

  test('locked: one waits for the other', async () => {
    const outputs = await both('locked');
    expect([...outputs].sort((a, b) => a.length - b.length).map((output) => output.split('\n').length)).toEqual([2, 4]);
  });

  test('private: each has its own', async () => {
    expect(await both('private')).toEqual(['a-begin\n', 'b-begin\n']);
  });

  test('whoever waits for more than a second says so, and can be stopped', async () => {
    const id = fresh();
    const context = workshop.context({
      Dockerfile: `FROM base\nARG T\nRUN --mount=type=cache,target=/c,id=${id},sharing=locked sleep $T`,
    });
    const holder = collect(build({ context, store: workshop.store, buildArgs: { T: '3' } }));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await using second = await openStore({ root: workshop.store.root });
    const abort = new AbortController();
    const waiting = build({ context, store: second, buildArgs: { T: '0' }, signal: abort.signal });
    const warnings: string[] = [];
    const reason = new Error('enough');
    const reading = (async () => {
      for await (const event of waiting) {
        if (event.type !== 'warning') continue;
        warnings.push(event.code);
        abort.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(warnings).toEqual(['TBUILD_WARN_CACHE_MOUNT_IN_USE']);
    await holder;
  });

  test('two steps of one build that want several in different order do not wait for ever', async () => {
    const [x, y] = [fresh(), fresh()];
    const mount = (id: string, target: string): string => `--mount=type=cache,id=${id},target=${target},sharing=locked`;
    const { executed } = await run([
      'FROM base AS one',
      `RUN ${mount(x, '/x')} ${mount(y, '/y')} sleep 0.3`,
      'FROM base AS two',
      `RUN ${mount(y, '/y')} ${mount(x, '/x')} sleep 0.3 && true`,
      'FROM base',
      'COPY --from=one /bin/init /one',
      'COPY --from=two /bin/init /two',
    ]);
    expect(executed).toBe(4);
  });
});
