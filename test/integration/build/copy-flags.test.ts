import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file } from './image-tree.ts';

// What docker build makes of each of these is what is expected here; it was asked.
const files = { 'one.txt': '1', 'app/a': 'a', 'app/sub/b': 'b', 'app/sub/deep/c': 'c', 'app/run.sh': 'r' };

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

function contextOf(dockerfile: string): string {
  const context = workshop.context({ ...files, Dockerfile: `FROM base\n${dockerfile}\n` });
  chmodSync(join(context, 'app/run.sh'), 0o750);
  chmodSync(join(context, 'app/sub'), 0o751);
  return context;
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('COPY', () => {
  test('--chmod=u=rwX,go=rX depends on what is copied; directories made on the way are 0755', async () => {
    const image = await buildImage(workshop, '', contextOf('COPY --chmod=u=rwX,go=rX app /way/app/'));
    expect(image.lines('way', 'way/app', 'way/app/a', 'way/app/run.sh', 'way/app/sub')).toEqual({
      way: directory(),
      'way/app': directory(),
      'way/app/a': file('a'),
      'way/app/run.sh': file('r', '755'),
      'way/app/sub': directory('755'),
    });
  });

  test('--chmod takes variables', async () => {
    const image = await buildImage(workshop, '', contextOf('ARG WHO=g\nCOPY --chmod=$WHO+w,o= one.txt /x'));
    expect(image.at('x')).toBe(file('1', '660'));
  });

  test('--chmod makes the permission bits that it overrides no input', async () => {
    const context = contextOf(
      'COPY --chmod=u=rw,go=r one.txt /symbolic\nCOPY --chmod=+x one.txt /plus\nCOPY --chmod=600 one.txt /octal',
    );
    await workshop.build(context);
    chmodSync(join(context, 'one.txt'), 0o664);
    const { outcomes, causes } = await workshop.build(context);
    expect(outcomes['COPY --chmod=u=rw,go=r one.txt /symbolic']).toBe('cached');
    expect(outcomes['COPY --chmod=600 one.txt /octal']).toBe('cached');
    expect(causes['COPY --chmod=+x one.txt /plus']).toMatchObject({ kind: 'files', changes: { mode: ['one.txt'] } });
  });

  test('--chown makes the owners of another stage no input', async () => {
    const dockerfile = (owner: string): string =>
      `FROM base AS maker\nRUN mkdir /out && write /out/f 1 && chown ${owner} /out/f\nFROM base\nCOPY --from=maker --chown=3:4 /out/f /owned\nCOPY --from=maker /out/f /kept\n`;
    await workshop.build(workshop.context({ Dockerfile: dockerfile('5:5') }));
    const { outcomes } = await workshop.build(workshop.context({ Dockerfile: dockerfile('6:6') }));
    expect(outcomes['COPY --from=maker --chown=3:4 /out/f /owned']).toBe('cached');
    expect(outcomes['COPY --from=maker /out/f /kept']).toBe('executed');
  });

  test('--exclude leaves out what matches below each directory, from the context and from a stage', async () => {
    for (const from of ['', '--from=maker ']) {
      const stages = 'FROM base AS maker\nCOPY app /app\nFROM base\n';
      const text = `${stages}COPY ${from}--exclude=sub/deep --exclude=*.sh --exclude=app app /x/\nCOPY ${from}--exclude=a app/a /y/\n`;
      const image = await buildImage(workshop, text, files);
      expect(image.below('x'), from).toEqual(['a', 'sub', 'sub/b']);
      expect(image.below('y'), from).toEqual(['a']);
    }
  });

  test('--exclude: a directory that is only on the way to something keeps its owner where it is there already', async () => {
    const image = await buildImage(
      workshop,
      '',
      contextOf(
        'RUN mkdir -p /x/sub && chmod 700 /x/sub && chown 5:5 /x/sub\nCOPY --exclude=sub --exclude=!sub/b app /x/',
      ),
    );
    expect(image.lines('x/sub', 'x/sub/b')).toEqual({ 'x/sub': directory('751', '5:5'), 'x/sub/b': file('b') });
    expect(image.below('x')).toEqual(['a', 'run.sh', 'sub', 'sub/b']);
  });

  test('--exclude: a change of what is left out is no change', async () => {
    const context = contextOf('COPY --exclude=sub app /x/');
    await workshop.build(context);
    writeFileSync(join(context, 'app/sub/b'), 'changed');
    expect((await workshop.build(context)).outcomes['COPY --exclude=sub app /x/']).toBe('cached');
    writeFileSync(join(context, 'app/a'), 'changed');
    const { causes } = await workshop.build(context);
    expect(causes['COPY --exclude=sub app /x/']).toMatchObject({ kind: 'files', changes: { content: ['app/a'] } });
  });

  test('--parents keeps the directories of a path, from the pivot on', async () => {
    for (const from of ['', '--from=maker ']) {
      const text = [
        'FROM base AS maker\nCOPY app /app\nFROM base',
        `COPY ${from}--parents app/sub/b app/a /x/`,
        `COPY ${from}--parents app/./**/[bc] /y`,
        `COPY ${from}--parents --exclude=**/deep --chown=3:4 --chmod=u=rwX,go= app/sub /z/`,
        `COPY ${from}--parents none/** /none/`,
      ].join('\n');
      const image = await buildImage(workshop, text, files);
      expect(image.below('x'), from).toEqual(['app', 'app/a', 'app/sub', 'app/sub/b']);
      expect(image.below('y'), from).toEqual(['sub', 'sub/b', 'sub/deep', 'sub/deep/c']);
      expect(image.below('z'), from).toEqual(['app', 'app/sub', 'app/sub/b']);
      expect(image.lines('z/app', 'z/app/sub/b'), from).toEqual({
        'z/app': directory('700', '3:4'),
        'z/app/sub/b': file('b', '600', '3:4'),
      });
    }
  });

  test('--parents into the root leaves its directories to whom they belong', async () => {
    const image = await buildImage(
      workshop,
      '',
      contextOf('RUN mkdir -p /app/sub && chown 5:5 /app && chown 5:5 /app/sub\nCOPY --parents app/sub/b /'),
    );
    expect(image.lines('app', 'app/sub', 'app/sub/b')).toEqual({
      app: directory('755', '5:5'),
      'app/sub': directory('751', '5:5'),
      'app/sub/b': file('b'),
    });
  });

  test('--link is a layer of its own also with --chmod and --chown, by number and by name', async () => {
    const text = (first: string): string =>
      `FROM base\n${first}\nCOPY --link --chmod=g+w --chown=3:4 app /x/\nCOPY --link --chmod=600 --chown=me:us one.txt /y/\n`;
    const accounts = 'RUN mkdir -p /etc && write /etc/passwd me:x:7:8::/: && write /etc/group us:x:9:';
    const image = await buildImage(workshop, text(accounts), files);
    expect(image.lines('x/a', 'x/sub', 'y/one.txt')).toEqual({
      'x/a': file('a', '664', '3:4'),
      'x/sub': directory('775', '3:4'),
      'y/one.txt': file('1', '600', '7:9'),
    });
    const again = await workshop.build(
      workshop.context({ ...files, Dockerfile: text(`RUN write /other 1\n${accounts}`) }),
    );
    expect(again.outcomes['COPY --link --chmod=g+w --chown=3:4 app /x/']).toBe('cached');
    expect(again.outcomes['COPY --link --chmod=600 --chown=me:us one.txt /y/']).toBe('cached');
    const moved = accounts.replace('us:x:9', 'us:x:10');
    const other = await buildImage(workshop, text(moved), files);
    expect(other.at('y/one.txt')).toBe(file('1', '600', '7:10'));
    expect(other.built.outcomes['COPY --link --chmod=g+w --chown=3:4 app /x/']).toBe('cached');
  });
});
