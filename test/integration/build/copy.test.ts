import { chmodSync, linkSync, mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file, symlink } from './image-tree.ts';

// What docker build makes of each of these is what is expected here: test/compare asks it.
const files = { 'one.txt': '1', 'two.txt': '2', 'app/a': 'a', 'app/sub/b': 'b' };

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

describe.skipIf(lacks('user-namespaces', 'overlay'))('COPY', () => {
  test('makes what is missing on the way, and fills what is there', async () => {
    const image = await buildImage(
      workshop,
      [
        'COPY one.txt /',
        'COPY one.txt /new/dir/',
        'COPY one.txt /new/named',
        'COPY app /app',
        'COPY one.txt app/sub /both/',
        'WORKDIR /work',
        'COPY two.txt .',
        'COPY two.txt ./renamed',
      ].join('\n'),
      files,
    );
    expect(
      image.lines('one.txt', 'new', 'new/dir', 'new/dir/one.txt', 'new/named', 'app/sub/b', 'work/two.txt'),
    ).toEqual({
      'one.txt': file('1'),
      new: directory(),
      'new/dir': directory(),
      'new/dir/one.txt': file('1'),
      'new/named': file('1'),
      'app/sub/b': file('b'),
      'work/two.txt': file('2'),
    });
    expect(image.below('both')).toEqual(['b', 'one.txt']);
    expect(image.below('work')).toEqual(['renamed', 'two.txt']);
  });

  test('keeps modes and times of the context, and gives everything to root', async () => {
    const context = workshop.context({ 'run.sh': 'r', 'shut/in': 'i', Dockerfile: 'FROM base\nCOPY run.sh shut /x/' });
    chmodSync(join(context, 'run.sh'), 0o4751);
    chmodSync(join(context, 'shut/in'), 0o600);
    utimesSync(join(context, 'run.sh'), 1e9, 1e9);
    const image = await buildImage(workshop, '', context);
    expect(image.lines('x/run.sh', 'x/in')).toEqual({
      'x/run.sh': file('r', '4751'),
      'x/in': file('i', '600'),
    });
    expect(image.entry('x/run.sh')?.mtime).toBe(1e9);
  });

  test('--chmod is for what is copied; directories made on the way get it under the umask 022', async () => {
    const image = await buildImage(
      workshop,
      [
        'COPY --chmod=2770 one.txt /way/deep/',
        'COPY --chmod=0777 app /app',
        'COPY --chmod=4755 one.txt /setuid',
        'RUN mkdir /there',
        'COPY --chmod=700 app /there',
      ].join('\n'),
      files,
    );
    expect(
      image.lines('way', 'way/deep', 'way/deep/one.txt', 'app', 'app/sub', 'app/a', 'setuid', 'there', 'there/a'),
    ).toEqual({
      way: directory('750'),
      'way/deep': directory('750'),
      'way/deep/one.txt': file('1', '2770'),
      app: directory('755'),
      'app/sub': directory('777'),
      'app/a': file('a', '777'),
      setuid: file('1', '4755'),
      there: directory('755'),
      'there/a': file('a', '700'),
    });
  });

  test('--chown by number and by name: a number alone is its own group, a name has the group of its account', async () => {
    const image = await buildImage(
      workshop,
      [
        "RUN echo 'app:x:1001:1002::/:/bin/sh' > /etc/passwd && echo 'staff:x:50:' > /etc/group",
        'COPY --chown=55 one.txt /number',
        'COPY --chown=1001 one.txt /known',
        'COPY --chown=app one.txt /name',
        'COPY --chown=app:staff app /made/on/the/way',
        'COPY --chown=7:staff one.txt /mixed',
      ].join('\n'),
      files,
    );
    expect(image.lines('number', 'known', 'name', 'mixed')).toEqual({
      number: file('1', '644', '55:55'),
      known: file('1', '644', '1001:1001'),
      name: file('1', '644', '1001:1002'),
      mixed: file('1', '644', '7:50'),
    });
    expect(image.lines('made', 'made/on', 'made/on/the/way', 'made/on/the/way/sub/b')).toEqual({
      made: directory('755', '1001:50'),
      'made/on': directory('755', '1001:50'),
      'made/on/the/way': directory('755', '1001:50'),
      'made/on/the/way/sub/b': file('b', '644', '1001:50'),
    });
  });

  test.each(['nobody-there', 'root:nobody-there'])(
    '--chown=%s is an error when the image has no such account',
    async (owner) => {
      const building = buildImage(workshop, `COPY --chown=${owner} one.txt /`, files);
      await expect(building).rejects.toMatchObject({ code: 'TBUILD_USER_NOT_FOUND' });
    },
  );

  test('follows symlinks on the way to the destination, never out of the root', async () => {
    const image = await buildImage(
      workshop,
      [
        'RUN mkdir -p /real/dir /other && ln -s real/dir /todir && ln -s /../../other /up && ln -s nowhere/yet /dangling',
        'RUN write /other/file old && ln -s /other/file /tofile',
        'COPY one.txt /todir/',
        'COPY app /todir',
        'COPY one.txt /up/sub/',
        'COPY one.txt /dangling/',
        'COPY two.txt /tofile',
      ].join('\n'),
      files,
    );
    expect(image.below('real')).toEqual(['dir', 'dir/a', 'dir/one.txt', 'dir/sub', 'dir/sub/b']);
    expect(image.lines('todir', 'other/sub/one.txt', 'nowhere/yet/one.txt', 'other/file', 'tofile')).toEqual({
      todir: symlink('real/dir'),
      'other/sub/one.txt': file('1'),
      'nowhere/yet/one.txt': file('1'),
      'other/file': file('2'),
      tofile: symlink('/other/file'),
    });
  });

  test('--link stands on nothing: a symlink in its way is replaced, directories have no history', async () => {
    const image = await buildImage(
      workshop,
      'RUN mkdir -p /real /shut && chmod 700 /shut && ln -s real /link\nCOPY --link app /link\nCOPY --link one.txt /shut/',
      files,
    );
    expect(image.lines('link', 'link/a', 'real/a', 'shut')).toEqual({
      link: directory(),
      'link/a': file('a'),
      'real/a': undefined,
      shut: directory('755'),
    });
  });

  test.each([
    ['a directory onto a file', 'RUN write /to x', 'COPY app /to'],
    ['a file onto a directory', 'RUN mkdir -p /to/one.txt', 'COPY one.txt /to/'],
    ['a directory onto a symlink below the destination', 'RUN mkdir -p /to /x && ln -s /x /to/sub', 'COPY app /to'],
    ['into a file', 'RUN write /to x', 'COPY one.txt /to/'],
  ])('%s is an error', async (_, before, copy) => {
    const building = buildImage(workshop, `${before}\n${copy}`, files);
    await expect(building).rejects.toMatchObject({ code: 'TBUILD_COPY' });
  });

  test('a symlink in the context stays one inside a directory, and is followed as a source', async () => {
    const image = await buildImage(workshop, 'COPY tree /tree\nCOPY tree/link /followed\nCOPY tree/dir /dir', {
      'tree/file': 'f',
      'tree/link': { link: 'file' },
      'tree/dir': { link: '../app' },
      'app/a': 'a',
    });
    expect(image.lines('tree/link', 'tree/dir', 'followed', 'dir', 'dir/a')).toEqual({
      'tree/link': symlink('file'),
      'tree/dir': symlink('../app'),
      followed: file('f'),
      dir: directory(),
      'dir/a': file('a'),
    });
  });

  test('hard links of the context are hard links in the image, within one COPY', async () => {
    const context = workshop.context({
      'd/one': '1',
      'd/sub/x': 'x',
      Dockerfile: 'FROM base\nCOPY . /all/\nCOPY d /d',
    });
    linkSync(join(context, 'd/one'), join(context, 'd/sub/two'));
    const image = await buildImage(workshop, '', context);
    expect(image.hardLinks('all/d/one')).toEqual(['all/d/one', 'all/d/sub/two']);
    expect(image.hardLinks('d/one')).toEqual(['d/one', 'd/sub/two']);
  });

  test('what .dockerignore hides is not copied, also by name', async () => {
    const context = {
      ...files,
      '.dockerignore': '*\n!app\napp/**/b\n',
      'app/sub/c': 'c',
    };
    const image = await buildImage(workshop, 'COPY . /all/', context);
    expect(image.below('all')).toEqual(['app', 'app/a', 'app/sub', 'app/sub/c']);
    const byName = buildImage(workshop, 'COPY one.txt /', context);
    await expect(byName).rejects.toMatchObject({ code: 'TBUILD_SOURCE_NOT_FOUND' });
  });

  test('an empty directory is copied', async () => {
    const context = workshop.context({ Dockerfile: 'FROM base\nCOPY . /all/' });
    mkdirSync(join(context, 'empty'));
    const image = await buildImage(workshop, '', context);
    expect(image.at('all/empty')).toBe(directory());
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('COPY --from', () => {
  test('keeps owners, modes, links and hard links of a stage', async () => {
    const image = await buildImage(
      workshop,
      [
        'FROM base AS maker',
        'RUN mkdir -p /out/d && write /out/a 1 && chmod 4750 /out/a && ln /out/a /out/d/hard && ln -s d/b /out/soft && write /out/d/b 2',
        'RUN chmod 1777 /out/d && chown 100:200 /out/d/b && mknod /out/pipe p',
        'FROM base',
        'COPY --from=maker /out /out',
        'COPY --from=0 /out/soft /followed',
        'COPY --from=maker --chown=9:9 --chmod=755 out/d/b /owned',
      ].join('\n'),
    );
    expect(image.lines('out/a', 'out/d', 'out/d/b', 'out/soft', 'followed', 'owned')).toEqual({
      'out/a': file('1', '4750'),
      'out/d': directory('1777'),
      'out/d/b': file('2', '644', '100:200'),
      'out/soft': symlink('d/b'),
      followed: file('2', '644', '100:200'),
      owned: file('2', '755', '9:9'),
    });
    expect(image.hardLinks('out/a')).toEqual(['out/a', 'out/d/hard']);
    expect(image.entry('out/pipe')?.type).toBe('fifo');
  });

  test('reads a named context rather than a stage or an image of that name', async () => {
    const extra = workshop.context({ f: 'extra' });
    const image = await buildImage(
      workshop,
      'FROM base AS extra\nRUN write /f stage\nFROM base\nCOPY --from=extra /f /',
      {},
      {
        buildContexts: { extra },
      },
    );
    expect(image.at('f')).toBe(file('extra'));
  });
});
