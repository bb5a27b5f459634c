import { chmodSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Built, Workshop } from '../../helpers/workshop.ts';
import type { BuildOptions } from '../../../src/index.ts';
import type { Tree } from '../../helpers/tree.ts';
import { buildImage, directory, file } from './image-tree.ts';

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());
afterEach(() => vi.unstubAllEnvs());

/** A build on `base` of these lines; what its commands said is its `output`. */
function run(lines: string | readonly string[], files: Tree = {}, options: Partial<BuildOptions> = {}): Promise<Built> {
  const text = [lines].flat().join('\n');
  const dockerfile = /^(ARG|FROM) /.test(text) ? text : `FROM base\n${text}`;
  return workshop.build(workshop.context({ ...files, Dockerfile: dockerfile }), options);
}

/** `stat` without size, links and time. */
function attributes(output: string): readonly string[] {
  const fields = /^(\w \d+ \d+:\d+) \d+ \d+ \d+ (\S+)$/;
  return output.split('\n').flatMap((line) => {
    const [, what = '', path = ''] = fields.exec(line) ?? [];
    return what === '' ? [] : [`${what} ${path}`];
  });
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('RUN --mount', () => {
  describe('type=bind', () => {
    const files = { file: 'F', 'dir/g': 'G', 'dir/sub/h': 'H', link: { link: 'dir' }, out: { link: '/etc/passwd' } };

    test('shows the build context, a part of it or one file, read-only and as of root', async () => {
      const context = workshop.context({
        ...files,
        Dockerfile: [
          'FROM base',
          'WORKDIR /w',
          'RUN --mount=target=m ls m m/dir && stat m m/dir/g && touch m/x || echo refused',
          'RUN --mount=source=dir,target=/deep/new stat /deep/new && cat /deep/new/g && echo',
          'RUN --mount=src=../../dir/./g,dst=/one cat /one && rm /one || echo kept',
          'RUN --mount=source=link,target=/l ls /l && readlink /w || true',
        ].join('\n'),
      });
      chmodSync(join(context, 'dir/g'), 0o640);
      chmodSync(join(context, 'dir'), 0o711);
      utimesSync(join(context, 'dir/g'), 1_000_000_000, 1_000_000_000);
      const { output } = await workshop.build(context);
      expect(output).toContain('Dockerfile\ndir\nfile\nlink\nout\n');
      expect(output).toContain('f 640 0:0 1 1 1000000000 m/dir/g');
      expect(attributes(output)).toEqual(['d 755 0:0 m', 'f 640 0:0 m/dir/g', 'd 711 0:0 /deep/new']);
      expect(output.match(/refused|kept/g)).toEqual(['refused', 'kept']);
      expect(output).toMatch(/g\nsub\n/);
    });

    test('takes writes with rw, and throws them away', async () => {
      const context = workshop.context({
        ...files,
        Dockerfile: [
          'FROM base',
          'RUN --mount=target=/m,rw write /m/file changed && rm /m/dir/g && touch /m/new && ls /m/dir && cat /m/file',
          'RUN --mount=source=file,target=/f,rw write /f more && cat /f',
          'RUN --mount=target=/m ls /m /m/dir && cat /m/file',
        ].join('\n'),
      });
      const built = await workshop.build(context);
      expect(built.output).toBe('sub\nchangedmoreDockerfile\ndir\nfile\nlink\nout\ng\nsub\nF');
    });

    test('leaves out what .dockerignore does, and says so when it is asked for', async () => {
      const ignoring = { ...files, '.dockerignore': 'dir/sub\n*.log\n', 'x.log': 'x' };
      const { output } = await run('RUN --mount=target=/m ls /m /m/dir', ignoring);
      expect(output).toBe('Dockerfile\ndir\nfile\nlink\nout\ng\n');
      for (const source of ['x.log', 'dir/sub', 'dir/sub/h']) {
        await expect(run(`RUN --mount=source=${source},target=/m true`, ignoring)).rejects.toMatchObject({
          code: 'TBUILD_SOURCE_NOT_FOUND',
          message: expect.stringContaining('.dockerignore') as string,
        });
      }
    });

    test('takes a name for a name, wildcards or not', async () => {
      const odd = { 'a*b': 'star', 'a?b/x': 'x', 'a[1]': 'class', 'a\\b': 'slash' };
      const { output } = await run(
        [
          'RUN --mount=source=a*b,target=/1 cat /1',
          'RUN --mount=source=a?b,target=/2 cat /2/x',
          'RUN --mount=source=a[1],target=/3 cat /3',
          'FROM base AS files',
          'COPY . /f',
          'FROM base',
          'RUN --mount=from=files,source=f/a*b,target=/1 --mount=from=files,source=/f/a?b,target=/2 cat /1 /2/x',
        ],
        odd,
      );
      expect(output).toContain('starx');
      await expect(run('RUN --mount=source=d*,target=/m true', files)).rejects.toMatchObject({
        code: 'TBUILD_SOURCE_NOT_FOUND',
      });
    });

    test('shows a stage, an image or a named context, with owners', async () => {
      const named = workshop.context({ inside: 'N', '.dockerignore': 'gone', gone: 'x' });
      const { output } = await run(
        [
          'FROM base AS st',
          'RUN mkdir /d && write /d/f one && chown 3:4 /d/f && ln -s d /l && ln -s ../../../d/f /up',
          'FROM base',
          'RUN --mount=from=ST,source=/l,target=/m stat /m/f && cat /m/f',
          'RUN --mount=from=st,source=up,target=/f cat /f',
          'RUN --mount=from=st,target=/all ls /all && write /all/x x || echo refused',
          'RUN --mount=from=st,target=/all,rw write /all/d/f two && cat /all/d/f',
          'RUN --mount=from=base,source=bin/init,target=/i stat /i',
          'RUN --mount=from=named,target=/n,source=/ ls /n && cat /n/inside',
          'RUN --mount=from=scratch,target=/none ls /none',
        ],
        {},
        { buildContexts: { named } },
      );
      expect(output).toMatch(/f 644 3:4 3 1 \d+ \/m\/f\noneone/);
      expect(output).toContain('refused\n');
      expect(output).toContain('two');
      expect(output).toMatch(/f 755 0:0 \d+ 1 \d+ \/i\n/);
      expect(output).toContain('inside\nN');
    });

    test('keeps hard links and symbolic links', async () => {
      const context = workshop.context({
        'd/a': 'x',
        'd/link': { link: '../nowhere' },
        Dockerfile: 'FROM base\nRUN --mount=source=d,target=/m stat /m/a /m/b && readlink /m/link',
      });
      const { linkSync } = await import('node:fs');
      linkSync(join(context, 'd/a'), join(context, 'd/b'));
      const { output } = await workshop.build(context);
      expect(output).toMatch(/^f 644 0:0 1 2 \d+ \/m\/a\nf 644 0:0 1 2 \d+ \/m\/b\n\.\.\/nowhere\n$/);
    });

    test.each([
      ['source=nope', 'TBUILD_SOURCE_NOT_FOUND'],
      ['source=out', 'TBUILD_SOURCE_NOT_FOUND'],
      ['source=file/x', 'TBUILD_SOURCE_NOT_FOUND'],
      ['from=base,source=/nope', 'TBUILD_SOURCE_NOT_FOUND'],
      ['from=nobody-knows', 'TBUILD_REGISTRY'],
    ])('fails for %s, with the line', async (option, code) => {
      const building = run(`ENV a=b\nRUN --mount=target=/m,${option} true`, files);
      await expect(building).rejects.toMatchObject({ code, span: { line: 3 } });
    });
  });

  describe('type=tmpfs', () => {
    test('is memory of the size that was asked for', async () => {
      const { output } = await run([
        'RUN --mount=type=tmpfs,target=/t,size=64k fill /t/x 100000 || echo full',
        'RUN --mount=type=tmpfs,target=/t stat /t && ls /t && touch /t/x',
        'RUN --mount=type=tmpfs,target=/t,ro touch /t/x || echo refused',
        'RUN mkdir /shut && chmod 700 /shut && write /shut/f f',
        'RUN --mount=type=tmpfs,target=/shut stat /shut && ls /shut',
      ]);
      expect(output).toContain('full');
      expect(output).toContain('refused');
      expect(attributes(output)).toEqual(['d 1777 0:0 /t', 'd 700 0:0 /shut']);
    });
  });

  describe('type=secret', () => {
    const secrets = { token: { value: 'tok en\n' } };

    test('is a file of mode 0400 in /run/secrets, or where and as it is asked for', async () => {
      const { output } = await run(
        [
          'RUN --mount=type=secret,id=token cat /run/secrets/token && stat /run/secrets/token',
          'WORKDIR /w',
          'RUN --mount=type=secret,id=token,target=rel,mode=0444,uid=5,gid=6 cat rel && stat /w/rel',
          'RUN --mount=type=secret,target=/etc/token cat /etc/token',
          'USER 1000',
          'RUN --mount=type=secret,id=token cat /run/secrets/token || echo closed',
          'RUN --mount=type=secret,id=token,uid=1000 cat /run/secrets/token',
        ],
        {},
        { secrets },
      );
      expect(attributes(output)).toEqual(['f 400 0:0 /run/secrets/token', 'f 444 5:6 /w/rel']);
      expect(output.match(/tok en\n/g)).toHaveLength(4);
      expect(output).toContain('closed');
    });

    test('is a variable with env=, and a file too where a target is given', async () => {
      const { output } = await run(
        [
          'ENV SHOWN=image',
          'ARG GIVEN=arg',
          'RUN --mount=type=secret,id=token,env=TOKEN echo [$TOKEN] && stat /run/secrets/token || echo no file',
          'RUN --mount=type=secret,id=token,env=TOKEN,target=/t cat /t && echo [$TOKEN]',
          'RUN --mount=type=secret,id=token,env=SHOWN --mount=type=secret,id=token,env=GIVEN echo $SHOWN $GIVEN',
          'RUN --mount=type=secret,id=none,env=TOKEN echo [$TOKEN]',
        ],
        {},
        { secrets },
      );
      expect(output).toContain('[tok en\n]');
      expect(output).toContain('no file');
      expect(output).toContain('tok en\n tok en\n');
      expect(output).toMatch(/\[\]\n$/);
    });

    test('is not there when it was not given, unless it is required', async () => {
      const { output } = await run('RUN --mount=type=secret,id=none stat /run || echo nothing');
      expect(output).toContain('nothing');
      for (const required of ['required', 'required=true', 'env=A,required']) {
        await expect(run(`RUN --mount=type=secret,id=none,${required} true`)).rejects.toMatchObject({
          code: 'TBUILD_SECRET',
          message: 'secret none: not found',
          span: { line: 2 },
        });
      }
    });

    test('comes from a file, a variable or a value of bytes', async () => {
      vi.stubEnv('TBUILD_TEST_SECRET', 'from-variable');
      vi.stubEnv('TBUILD_TEST_UNSET', undefined);
      const path = join(workshop.directory, 'secret-file');
      writeFileSync(path, 'from-file');
      const { output } = await run(
        'RUN --mount=type=secret,id=f --mount=type=secret,id=e --mount=type=secret,id=v --mount=type=secret,id=u cd /run/secrets && cat f e v u && stat u',
        {},
        {
          secrets: {
            f: { file: path },
            e: { env: 'TBUILD_TEST_SECRET' },
            v: { value: Buffer.from('from-bytes') },
            u: { env: 'TBUILD_TEST_UNSET' },
          },
        },
      );
      expect(output).toMatch(/^from-filefrom-variablefrom-bytesf 400 0:0 0 1 /);
    });

    test('of more than 500 KiB, of a directory or of an endless device is an error', async () => {
      const line = 'RUN --mount=type=secret,id=s cat /run/secrets/s';
      const failing = { code: 'TBUILD_SECRET', span: { line: 2 } };
      for (const source of [{ value: 'x'.repeat(512_001) }, { file: '/dev/zero' }, { file: workshop.directory }]) {
        await expect(run(line, {}, { secrets: { s: source } })).rejects.toMatchObject(failing);
      }
      const most = await run(line.replace('cat', 'stat'), {}, { secrets: { s: { value: 'x'.repeat(512_000) } } });
      expect(most.output).toContain(' 512000 ');
    });

    test('that holds NUL cannot be a variable', async () => {
      const building = run('RUN --mount=type=secret,id=s,env=S true', {}, { secrets: { s: { value: 'a\0b' } } });
      await expect(building).rejects.toMatchObject({ code: 'TBUILD_SECRET' });
      const bytes = { s: { value: Buffer.from([0xff, 0x41]) } };
      const { events } = await run('RUN --mount=type=secret,id=s,env=S echo -n $S', {}, { secrets: bytes });
      const logged = events.flatMap((event) => (event.type === 'step:log' ? [Buffer.from(event.chunk)] : []));
      expect(Buffer.concat(logged)).toEqual(Buffer.from([0xff, 0x41]));
    });

    test('may have any id', async () => {
      const ids = ['a/b', '../../e/x', '__proto__', 'constructor', 'ä b'];
      for (const id of ids) {
        const given = Object.fromEntries([[id, { value: `value of ${id}` }]]);
        const { output } = await run(`RUN --mount="type=secret,id=${id},target=/s" cat /s`, {}, { secrets: given });
        expect(output).toBe(`value of ${id}`);
        const without = await run(`RUN --mount="type=secret,id=${id},target=/s" stat /s || echo none`);
        expect(without.output).toContain('none');
      }
    });
  });

  describe('mount points', () => {
    test('leave nothing in the layer, and keep what the command puts beside them', async () => {
      const image = await buildImage(
        workshop,
        [
          'RUN --mount=target=/m/new --mount=type=cache,target=/c/x/y --mount=type=tmpfs,target=/t --mount=type=secret,id=none,target=/etc/s --mount=type=secret,id=s true',
          'RUN --mount=source=f,target=/keep/m touch /keep/other',
          'RUN --mount=target=/odd/m touch /odd/m2 && mkdir /odd/m3 && chmod 700 /odd',
          'RUN mkdir /there && write /there/hidden h',
          'RUN --mount=type=tmpfs,target=/there write /there/lost l',
        ].join('\n'),
        { f: 'f' },
        { secrets: { s: { value: 'x' } } },
      );
      for (const path of ['m', 'c', 't', 'run', 'keep/m', 'odd/m']) expect(image.at(path), path).toBeUndefined();
      expect(image.lines('keep', 'keep/other', 'odd', 'odd/m2', 'odd/m3')).toEqual({
        keep: directory(),
        'keep/other': file(''),
        odd: directory('700'),
        'odd/m2': file(''),
        'odd/m3': directory(),
      });
      expect(image.below('there')).toEqual(['hidden']);
    });

    test('may cover each other and what the sandbox brings', async () => {
      const { output } = await run(
        [
          'RUN --mount=type=tmpfs,target=/a/b --mount=type=tmpfs,target=/a ls /a',
          'RUN --mount=target=/src,rw --mount=type=cache,target=/src/node_modules touch /src/node_modules/x && ls /src',
          'RUN --mount=target=/src --mount=type=secret,id=s,target=/src/.npmrc true || true',
          'RUN --mount=type=tmpfs,target=/etc ls /etc; echo end',
          'RUN --mount=type=secret,id=s,target=/etc/hosts cat /etc/hosts',
        ],
        { '.npmrc': '' },
        { secrets: { s: { value: 'secret' } } },
      );
      expect(output).toContain('b\nDockerfile\nnode_modules\nend\nsecret');
    });

    test('in a read-only mount must be there', async () => {
      const building = run('RUN --mount=target=/src --mount=type=cache,target=/src/nope true');
      await expect(building).rejects.toMatchObject({
        code: 'TBUILD_SANDBOX_SETUP',
        message: expect.stringContaining('/src/nope') as string,
        hint: expect.stringContaining('rw') as string,
      });
    });

    test.each(['/', '.', '/a/..', '/proc', '/proc/x', ''])('cannot be %j', async (target) => {
      for (const type of ['bind', 'cache', 'tmpfs']) {
        await expect(run(`RUN --mount=type=${type},target=${target} true`)).rejects.toMatchObject({
          code: 'TBUILD_DOCKERFILE_SYNTAX',
          message: expect.stringContaining('invalid mount target') as string,
        });
      }
    });

    test('take variables', async () => {
      const { output } = await run(
        'FROM base\nARG DIR=dir TYPE=bind\nENV AT=/at\nRUN --mount=type=$TYPE,source=${DIR},target=$AT/${NAME:-here} cat /at/here/f',
        { 'dir/f': 'found' },
      );
      expect(output).toBe('found');
    });
  });

  test('is not in the history', async () => {
    const { config } = await buildImage(
      workshop,
      'RUN --mount=type=secret,id=s --mount=type=tmpfs,target=/t --network=none --security=sandbox echo x',
      {},
      { secrets: { s: { value: 'x' } } },
    );
    expect(config.history?.at(-1)).toMatchObject({ created_by: 'RUN /bin/sh -c echo x # buildkit' });
  });

  test('warns of options that mean nothing', async () => {
    const { events } = await run('RUN --mount=type=tmpfs,target=/t,id=a true');
    expect(events).toContainEqual({
      type: 'warning',
      code: 'TBUILD_WARN_MOUNT_OPTION',
      message: '--mount=type=tmpfs takes no notice of id',
      span: expect.objectContaining({ line: 2 }) as object,
    });
  });

  test('works in ONBUILD, from stages too', async () => {
    const { output } = await run([
      'FROM base AS files',
      'RUN write /f from-stage',
      'FROM base AS parent',
      'ONBUILD RUN --mount=from=files,target=/m cat /m/f',
      'FROM parent',
    ]);
    expect(output).toBe('from-stage');
  });

  test('of a later stage, of the stage itself, or of a circle is refused', async () => {
    const later = run(['FROM base AS a', 'RUN --mount=from=b,target=/m true', 'FROM base AS b', 'FROM a']);
    await expect(later).rejects.toMatchObject({ code: 'TBUILD_STAGE_NOT_FOUND' });
    const own = run(['FROM base AS a', 'RUN --mount=from=a,target=/m true']);
    await expect(own).rejects.toMatchObject({ code: 'TBUILD_STAGE_CYCLE' });
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('a RUN with mounts is reused', () => {
  let count = 0;
  const twice = async (
    lines: string,
    change: (context: string) => void,
    options: readonly [Partial<BuildOptions>, Partial<BuildOptions>] = [{}, {}],
  ): Promise<Built> => {
    // Each in an environment of its own, since all have one store.
    const Dockerfile = `FROM base\nENV COUNT=${++count}\n${lines}`;
    const context = workshop.context({ 'src/a': 'a', 'src/sub/b': 'b', other: 'o', Dockerfile });
    const first = await workshop.build(context, options[0]);
    expect(first.executed).toBe(2);
    change(context);
    return workshop.build(context, options[1]);
  };
  const bind = 'RUN --mount=source=src,target=/src cat /src/a > /out';

  test.each<[string, (context: string) => void]>([
    ['nothing has changed', () => undefined],
    ['a file beside what it mounts has', (context) => writeFileSync(join(context, 'other'), 'changed')],
    ['only a time has', (context) => utimesSync(join(context, 'src/a'), 5, 5)],
  ])('when %s', async (_, change) => {
    expect(await twice(bind, change)).toMatchObject({ executed: 0 });
  });

  test.each<[string, (context: string) => void, object]>([
    ['content', (context) => writeFileSync(join(context, 'src/a'), 'A'), { content: ['src/a'] }],
    ['a new file', (context) => writeFileSync(join(context, 'src/sub/c'), ''), { added: ['src/sub/c'] }],
    ['mode', (context) => chmodSync(join(context, 'src/sub/b'), 0o600), { mode: ['src/sub/b'] }],
    ['mode of the directory itself', (context) => chmodSync(join(context, 'src'), 0o700), { mode: ['src'] }],
  ])('not when something in it changed: %s, which is the cause', async (_, change, changes) => {
    const built = await twice(bind, change);
    expect(Object.values(built.causes)).toMatchObject([{ kind: 'files', origin: 'the build context', changes }]);
  });

  test('whatever a secret is, or whether it was given', async () => {
    const line = 'RUN --mount=type=secret,id=s,env=S --mount=type=secret,id=s true';
    const given = (value: string): Partial<BuildOptions> => ({ secrets: { s: { value } } });
    expect(await twice(line, () => undefined, [given('one'), given('two')])).toMatchObject({ executed: 0 });
    expect(await twice(line, () => undefined, [{}, given('two')])).toMatchObject({ executed: 0 });
    expect(await twice(line.replace('id=s,', 'id=s,required,'), () => undefined, [given('one'), {}])).toMatchObject({
      executed: 0,
    });
  });

  test('whatever is in its cache mount, and whichever that is', async () => {
    const line = 'RUN --mount=type=cache,target=/c write /c/x y';
    const options = [
      { buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'a' } },
      { buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'b' } },
    ] as const;
    expect(await twice(line, () => undefined, options)).toMatchObject({ executed: 0 });
  });

  test('not when a mount changed, which is the cause', async () => {
    const built = await twice('RUN --mount=type=tmpfs,target=/t true', (context) => {
      const path = join(context, 'Dockerfile');
      writeFileSync(path, readFileSync(path, 'utf8').replace('/t', '/t,size=1m'));
    });
    expect(Object.values(built.causes)).toMatchObject([
      { kind: 'setting', name: '--mount /t', before: 'type=tmpfs', after: 'type=tmpfs,size=1048576' },
    ]);
  });

  test('not when a stage that it mounts gave another result, with the file as the cause', async () => {
    const lines = (word: string, part: string): string =>
      `FROM base AS st\nRUN mkdir /d && write /d/f ${word} && write /e ${word}\nFROM base\nRUN --mount=from=st,${part}target=/m cat /m/f /m/d/f; true`;
    for (const [part, expected] of [
      ['source=/d,', { kind: 'files', origin: 'stage st', changes: { content: ['d/f'] } }],
      ['', { kind: 'files', origin: 'stage st' }],
    ] as const) {
      const context = workshop.context({ Dockerfile: lines(`one${part}`, part) });
      await workshop.build(context);
      writeFileSync(join(context, 'Dockerfile'), lines(`two${part}`, part));
      const built = await workshop.build(context);
      expect(Object.values(built.causes).at(-1)).toMatchObject(expected);
    }
    const context = workshop.context({
      Dockerfile: lines('same', 'source=/d,').replace('write /e same', 'write /e one'),
    });
    await workshop.build(context);
    writeFileSync(join(context, 'Dockerfile'), lines('same', 'source=/d,').replace('write /e same', 'write /e two'));
    expect((await workshop.build(context)).executed).toBe(1);
  });

  test('a mounted file that changed during the build counts as it was mounted', async () => {
    const context = workshop.context({ 'src/a': 'a', Dockerfile: `FROM base\n${bind}\nRUN cat /out` });
    mkdirSync(join(context, 'src/x'));
    symlinkSync('a', join(context, 'src/l'));
    const first = await workshop.build(context);
    expect(first.output).toBe('a');
    writeFileSync(join(context, 'src/a'), 'b');
    expect((await workshop.build(context)).output).toBe('b');
    writeFileSync(join(context, 'src/a'), 'a');
    const again = await workshop.build(context);
    expect(again.image.id).toBe(first.image.id);
    expect(again.executed).toBe(0);
  });
});
