import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file, symlink } from './image-tree.ts';

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

describe.skipIf(lacks('user-namespaces', 'overlay'))('RUN', () => {
  test('what it removes and replaces is gone from the image', async () => {
    const files = {
      'app/a': 'a',
      'app/b': 'b',
      'app/sub/old': 'o',
      'app/dir/x': 'x',
      'app/file': 'f',
      'app/other/y': 'y',
    };
    const { lines, below } = await buildImage(
      workshop,
      [
        'COPY app /app',
        'RUN rm /app/a',
        'RUN rm -r /app/sub && mkdir /app/sub && write /app/sub/new n',
        'RUN rm -r /app/dir && write /app/dir was-a-directory',
        'RUN rm /app/file && mkdir /app/file && write /app/file/in i',
        'RUN rm -r /app/other && ln -s sub /app/other',
        'RUN rm -r /tmp',
        'COPY app/b /tmp/',
      ].join('\n'),
      files,
    );
    expect(below('app')).toEqual(['b', 'dir', 'file', 'file/in', 'other', 'sub', 'sub/new']);
    expect(lines('app/dir', 'app/file', 'app/other', 'tmp', 'tmp/b')).toEqual({
      'app/dir': file('was-a-directory'),
      'app/file': directory(),
      'app/other': symlink('sub'),
      tmp: directory('755'),
      'tmp/b': file('b'),
    });
  });

  test('keeps what it made: modes, owners, times, fifos, hard links', async () => {
    const image = await buildImage(
      workshop,
      [
        'RUN write /a x && chmod 4755 /a && mkdir /sticky && chmod 1777 /sticky && write /owned o && chown 12:34 /owned',
        'RUN mknod /pipe p && ln -s nowhere /dangling && ln /a /b',
        'RUN umask 077 && write /private p && mkdir /shut',
      ].join('\n'),
    );
    expect(image.lines('a', 'sticky', 'owned', 'pipe', 'dangling', 'private', 'shut')).toEqual({
      a: file('x', '4755'),
      sticky: directory('1777'),
      owned: file('o', '644', '12:34'),
      pipe: 'fifo 644 0:0',
      dangling: symlink('nowhere'),
      private: file('p', '600'),
      shut: directory('700'),
    });
    expect(image.hardLinks('a')).toEqual(['a', 'b']);
  });

  test('sees the name of the machine that BUILDKIT_SANDBOX_HOSTNAME gives, and runs again for another', async () => {
    const context = workshop.context({ Dockerfile: 'FROM base\nRUN uname -n; cat /etc/hosts\n' });
    const run = (name: string): ReturnType<Workshop['build']> =>
      workshop.build(context, { buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: name } });
    expect((await run('first')).output).toMatch(/^127\.0\.0\.1\tlocalhost first$/m);
    expect((await run('first')).executed).toBe(0);
    const second = await run('second');
    expect(second.causes['RUN uname -n; cat /etc/hosts']).toEqual({
      kind: 'setting',
      name: 'hostname',
      before: 'first',
      after: 'second',
    });
  });

  test('sees proxies in either case, over ENV, in no key and no history', async () => {
    const context = workshop.context({ Dockerfile: 'FROM base\nENV HTTP_PROXY=image\nRUN env\n' });
    const run = (proxy: string): ReturnType<Workshop['build']> =>
      workshop.build(context, { buildArgs: { http_proxy: proxy, no_proxy: '' } });
    const first = await run('http://one');
    expect(first.output).toMatch(/^HTTP_PROXY=http:\/\/one$/m);
    expect(first.output).toMatch(/^http_proxy=http:\/\/one$/m);
    expect(first.output).not.toContain('no_proxy');
    const second = await run('http://two');
    expect([second.executed, second.image.id]).toEqual([0, first.image.id]);
  });

  test('leaves no trace of what the sandbox mounts', async () => {
    const image = await buildImage(
      workshop,
      [
        'FROM base AS tools',
        'FROM scratch',
        'COPY --from=tools /bin/init /bin/sh',
        'COPY --from=tools /bin/init /bin/cat',
        'RUN cat /etc/hosts > /seen',
      ].join('\n'),
    );
    for (const path of ['dev', 'proc', 'sys', 'etc', 'run']) expect(image.at(path), path).toBeUndefined();
    expect(image.below('bin')).toEqual(['cat', 'sh']);
    expect(image.at('seen')).toBeDefined();
  });

  test('changes to /etc/hosts and /etc/resolv.conf last as long as the command', async () => {
    const { lines } = await buildImage(
      workshop,
      'RUN echo made-up >> /etc/hosts; echo made-up >> /etc/resolv.conf; true\nRUN cat /etc/hosts > /seen',
    );
    expect(lines('etc/hosts', 'etc/resolv.conf')).toEqual({ 'etc/hosts': undefined, 'etc/resolv.conf': undefined });
  });

  test('a device cannot be made', async () => {
    const building = buildImage(workshop, 'RUN mknod /null c 1 3');
    await expect(building).rejects.toMatchObject({ code: 'TBUILD_RUN_FAILED', details: { exitCode: 1 } });
  });

  test('files written to a VOLUME after its declaration stay', async () => {
    const image = await buildImage(workshop, 'VOLUME /data\nRUN mkdir /data && write /data/f x\nCOPY one /data/', {
      one: '1',
    });
    expect(image.below('data')).toEqual(['f', 'one']);
    expect(image.config.config?.['Volumes']).toEqual({ '/data': {} });
  });

  test('runs as USER, with its groups and home, and in WORKDIR', async () => {
    const { built } = await buildImage(
      workshop,
      [
        "RUN echo 'app:x:1001:1002::/home/app:/bin/sh' > /etc/passwd && echo 'extra:x:77:app' > /etc/group",
        'WORKDIR /where/ever',
        'USER app',
        'RUN id && echo home $HOME && pwd',
        'USER 1001:5',
        'RUN id && echo home $HOME',
        'USER 4242',
        'RUN id && echo home $HOME',
      ].join('\n'),
    );
    expect(built.output.trim().split('\n')).toEqual([
      'uid=1001 gid=1002 euid=1001 egid=1002 groups=77,1002',
      'home /home/app',
      '/where/ever',
      'uid=1001 gid=5 euid=1001 egid=5 groups=5',
      'home /home/app',
      'uid=4242 gid=0 euid=4242 egid=0 groups=0',
      'home /',
    ]);
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('variables', () => {
  test('the last of ARG and ENV wins in a stage; a stage that starts from it has ENV first', async () => {
    const { built, config } = await buildImage(
      workshop,
      [
        'ARG outer=outside',
        'FROM base AS first',
        'ARG a=arg',
        'ENV a=env',
        'ARG a=again',
        'ARG b=own',
        'ARG outer',
        'ARG unset',
        'RUN echo 1 $a $b $outer [$unset]',
        'FROM first',
        'RUN echo 2 $a $b $outer',
        'ENV derived=$a-$b',
      ].join('\n'),
      {},
      { buildArgs: { a: 'given' } },
    );
    expect(built.output.trim().split('\n')).toEqual(['1 given own outside []', '2 env own outside']);
    expect(config.config?.['Env']).toEqual(['PATH=/bin', 'a=env', 'derived=env-own']);
    expect(config.history?.map((entry) => entry.created_by)).toContain(
      'RUN |4 a=env b=own outer=outside unset= /bin/sh -c echo 2 $a $b $outer # buildkit',
    );
  });

  test('an instruction sees the values from before it', async () => {
    const { config } = await buildImage(workshop, 'ENV x=1\nENV x=2 y=$x z=${x:-none} w=${none:+alt}');
    expect(config.config?.['Env']).toEqual(['PATH=/bin', 'x=2', 'y=1', 'z=1', 'w=']);
  });
});
