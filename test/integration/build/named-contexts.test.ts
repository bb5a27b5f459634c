import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { directory as directoryEntry, file as fileEntry } from '../../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import type { BuildOptions } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { startFileServer } from '../../helpers/file-server.ts';
import type { FileServer } from '../../helpers/file-server.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file } from './image-tree.ts';
import type { ExportedImage } from './image-tree.ts';

let workshop: Workshop;
let server: FileServer;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());
beforeEach(async () => {
  server = await startFileServer();
});
afterEach(() => server[Symbol.asyncDispose]());

type Contexts = Readonly<Record<string, string>>;
const built = (
  lines: readonly string[],
  buildContexts: Contexts,
  options: Partial<BuildOptions> = {},
): Promise<ExportedImage> => buildImage(workshop, lines.join('\n'), {}, { buildContexts, ...options });
const files = (): string => workshop.context({ a: 'a', 's/f': 'f', ignored: 'i', '.dockerignore': 'ignored\n' });

describe('a directory with a name', () => {
  test('is what FROM starts from: its files, of root, but for those that its .dockerignore leaves out', async () => {
    const context = files();
    if (process.getuid?.() === 0) chownSync(join(context, 'a'), 5, 6);
    const image = await built(['FROM x', 'COPY --from=x a /b', 'ENV y=1'], { x: context });
    expect(image.lines('.dockerignore', 'a', 's', 's/f', 'ignored', 'b')).toEqual({
      '.dockerignore': file('ignored\n'),
      a: file('a'),
      s: directory(),
      's/f': file('f'),
      ignored: undefined,
      b: file('a'),
    });
    expect(image.config.config).toMatchObject({ WorkingDir: '/', Env: [expect.stringMatching(/^PATH=/), 'y=1'] });
    expect(image.config.history?.[0]).toMatchObject({
      created_by: 'local source for x',
      comment: 'buildkit.exporter.image.v0',
    });
    expect(image.config.history).toHaveLength(3);
  });

  test('is cached by its content, also as a base', async () => {
    const context = files();
    const lines = ['FROM x', 'COPY --from=x a /b'];
    const first = await built(lines, { x: context });
    const again = await built(lines, { x: files() });
    expect(again.built.image.id).toBe(first.built.image.id);
    writeFileSync(join(context, 'ignored'), 'other');
    expect((await built(lines, { x: context })).built.image.id).toBe(first.built.image.id);
    writeFileSync(join(context, 'a'), 'other');
    const changed = await built(lines, { x: context });
    expect(changed.at('a')).toBe(file('other'));
    expect(changed.built.outcomes['COPY --from=x a /b']).toBe('executed');
  });

  test('has the time of SOURCE_DATE_EPOCH as a base', async () => {
    const context = files();
    const at = async (sourceDateEpoch?: number): Promise<number | undefined> =>
      (await built(['FROM x', 'LABEL a=b'], { x: context }, { sourceDateEpoch })).entry('a')?.mtime;
    expect(await at(1_000_000_000)).toBe(1_000_000_000);
    expect(await at()).toBeGreaterThan(1_500_000_000);
  });

  test.skipIf(lacks('user-namespaces', 'overlay'))('can be mounted, a part of it too', async () => {
    const image = await built(
      ['FROM base', 'RUN --mount=from=x,target=/m --mount=from=x,source=s,target=/k cat /m/a /k/f > /o; ls /m > /l'],
      { x: files() },
    );
    expect(image.at('o')).toBe(file('af'));
    expect(image.at('l')).toBe(file('a\ns\n'));
  });

  test('names itself, and the line of its .dockerignore, where a source is not in it', async () => {
    await expect(built(['FROM scratch', 'COPY --from=x ignored /'], { x: files() })).rejects.toMatchObject({
      code: 'TBUILD_SOURCE_NOT_FOUND',
      message: '"ignored" is not in the named context x: ignored is excluded by .dockerignore line 1 (ignored)',
      span: { line: 2 },
    });
  });
});

describe('a context with the name of a stage', () => {
  test('stands for it in --from, by name and by number, and what is in that stage is not built', async () => {
    const image = await built(
      [
        'FROM nosuch AS Made',
        'RUN false',
        'FROM scratch',
        'COPY --from=MADE a /a',
        'COPY --from=0 a /b',
        'COPY --from=made a /c',
      ],
      { made: files() },
    );
    expect(image.lines('a', 'b', 'c')).toEqual({ a: file('a'), b: file('a'), c: file('a') });
  });

  test('stands for it in FROM, without a config', async () => {
    const image = await built(['FROM nosuch AS made', 'RUN false', 'FROM made', 'LABEL a=b'], { made: files() });
    expect(image.at('a')).toBe(file('a'));
    expect(image.config.config).toEqual({ Env: [expect.stringMatching(/^PATH=/)], Labels: { a: 'b' } });
  });

  test('is the image where that stage is the target', async () => {
    const lines = ['FROM nosuch AS made', 'RUN false', 'FROM scratch AS last', 'COPY nosuch /'];
    const dir = await built(lines, { made: files() }, { target: 'made' });
    expect(dir.at('s/f')).toBe(file('f'));
    expect(dir.config.config).toEqual({});
    const last = await built(lines, { last: 'docker-image://base' });
    expect(last.built.image.id).toBeDefined();
    expect(last.config.config?.['Env']).toEqual(['PATH=/bin']);
  });

  test('may be copied from further up, where the stage itself could not be', async () => {
    const image = await built(
      ['FROM scratch AS one', 'COPY --from=later a /', 'FROM nosuch AS later', 'RUN false', 'FROM one'],
      { later: files() },
    );
    expect(image.at('a')).toBe(file('a'));
  });

  test('of which it is none is not that of a number', async () => {
    const lines = ['FROM base AS zero', 'FROM scratch', 'COPY --from=0 a /'];
    await expect(built(lines, { '0': files() })).rejects.toMatchObject({ code: 'TBUILD_SOURCE_NOT_FOUND' });
  });
});

describe('a context with the name of an image', () => {
  test.each([
    ['nosuch', 'nosuch'],
    ['docker.io/library/nosuch:latest', 'nosuch'],
    ['nosuch:1.2', 'docker.io/library/nosuch:1.2'],
    ['example.org/a/b', 'example.org/a/b:latest'],
  ])('%s stands for %s in FROM and --from', async (name, image) => {
    const made = await built([`FROM ${image}`, `COPY --from=${image} s/f /g`], { [name]: files() });
    expect(made.lines('a', 'g')).toEqual({ a: file('a'), g: file('f') });
  });

  test('may be another image, or the empty one', async () => {
    const image = await built(['FROM nosuch', 'COPY --from=empty / /e/'], {
      nosuch: 'docker-image://base',
      empty: 'docker-image://scratch',
    });
    expect(image.config.config?.['Env']).toEqual(['PATH=/bin']);
    expect(image.below('e')).toEqual([]);
  });

  test('is not that of another tag', async () => {
    await expect(built(['FROM scratch', 'COPY --from=base:other a /'], { base: files() })).rejects.toMatchObject({
      code: expect.stringMatching(/^TBUILD_(REGISTRY|IMAGE_NOT_FOUND)/) as string,
    });
  });
});

describe('a URL with a name', () => {
  test('of an archive is what is in it', async () => {
    server.files.set('/c', {
      content: tarOf(
        directoryEntry('./'),
        { ...fileEntry('a', 'in'), uid: 3, gid: 4 },
        fileEntry('.dockerignore', 'a'),
      ),
    });
    const url = `${server.url}/c`;
    const image = await built(['FROM x', 'COPY --from=x a /b'], { x: url });
    expect(image.lines('a', 'b')).toEqual({ a: file('in', '644', '3:4'), b: file('in', '644', '3:4') });
    expect(image.config.history?.[0]?.created_by).toBe(url);
  });

  test.skipIf(lacks('user-namespaces', 'overlay'))('can be mounted, and a part of it', async () => {
    server.files.set('/c', { content: tarOf(directoryEntry('d'), fileEntry('d/a', 'in'), fileEntry('b', 'side')) });
    const image = await built(
      ['FROM base', 'RUN --mount=from=x,target=/m --mount=from=x,source=d,target=/d cat /m/b /d/a > /o'],
      { x: `${server.url}/c` },
    );
    expect(image.at('o')).toBe(file('sidein'));
  });

  test('of another file is that file, under the last part of its path', async () => {
    server.files.set('/d/name.txt?q', { content: 'text' });
    const image = await built(['FROM scratch', 'COPY --from=x . /x/'], { x: `${server.url}/d/name.txt?q` });
    expect(image.below('x')).toEqual(['name.txt']);
    expect(image.at('x/name.txt')).toBe(file('text', '600'));
  });

  test('is asked for once in a build, and not at all where nothing reads it', async () => {
    server.files.set('/c', { content: tarOf(fileEntry('a', 'in')) });
    const contexts = { x: `${server.url}/c` };
    await built(['FROM scratch AS unused', 'COPY --from=x a /', 'FROM scratch', 'LABEL a=b'], contexts);
    expect(server.requests).toEqual([]);
    await built(['FROM x AS one', 'FROM scratch', 'COPY --from=x a /', 'COPY --from=one a /b'], contexts);
    expect(server.requests).toHaveLength(1);
  });

  test('that cannot be had is an error in the line that asks for it', async () => {
    await expect(built(['FROM scratch', 'COPY --from=x a /'], { x: `${server.url}/none` })).rejects.toMatchObject({
      code: 'TBUILD_DOWNLOAD',
      span: { line: 2 },
    });
  });
});

test('a directory that is not there, or a name that is none, is an error also where nothing reads it', async () => {
  const lines = ['FROM scratch', 'LABEL a=b'];
  await expect(built(lines, { x: '/nowhere' })).rejects.toMatchObject({ code: 'TBUILD_CONTEXT' });
  await expect(built(lines, { X: files() })).rejects.toMatchObject({ code: 'TBUILD_USAGE' });
});
