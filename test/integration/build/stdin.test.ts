import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directory, file, symlink } from '../../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import type { TarRecipe } from '../../../fixtures/layers/tar-bytes.ts';
import type { BuildOptions } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { inFlight } from '../../helpers/leaks.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Built, Workshop } from '../../helpers/workshop.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop[Symbol.asyncDispose]());

const stdin = (content: Buffer | string): AsyncIterable<Uint8Array> => Readable.from([Buffer.from(content)]);
const buildFrom = (content: Buffer | string, options: Partial<BuildOptions> = {}): Promise<Built> =>
  shop.build('-', { stdin: stdin(content), ...options });

const dockerfile = (text: string, name = 'Dockerfile'): TarRecipe => file(name, text);
const copyAll = dockerfile('FROM scratch\nCOPY . /all/\n');

/** What a build put into its image, without directories: `PATH UID:GID MODE`. */
function filesOf({ image }: Built): readonly string[] {
  return image.chain
    .flatMap(({ layer }) => [...shop.store.listing(layer).entries()])
    .filter(({ type }) => type !== 'directory')
    .map(({ path, uid, gid, mode }) => `${path} ${uid}:${gid} ${mode.toString(8)}`);
}

describe('a tar on standard input', () => {
  const owned: TarRecipe = { ...file('owned', 'mine'), uid: 12, gid: 34, mode: 0o640, mtime: 1_000_000_000 };
  const tar = tarOf(directory('./'), copyAll, file('.dockerignore', '*'), directory('d'), file('d/f'), owned);

  test('is the build context as with docker: owners, modes and times are kept, .dockerignore is a file like any other', async () => {
    const built = await buildFrom(tar);
    expect(filesOf(built)).toEqual([
      'all/.dockerignore 0:0 644',
      'all/Dockerfile 0:0 644',
      'all/d/f 0:0 644',
      'all/owned 12:34 640',
    ]);
    const [layer] = built.image.chain;
    expect(shop.store.listing(layer?.layer ?? '').find('all/owned')?.mtime).toBe(1_000_000_000);
  });

  test('is cached by content: another tar of the same files, compressed, with other times, in another order', async () => {
    const first = await buildFrom(tar);
    const again = tarOf(
      directory('d'),
      { ...owned, mtime: 5 },
      { ...file('d/f'), mtime: 6 },
      file('.dockerignore', '*'),
      copyAll,
    );
    const second = await buildFrom(gzipSync(again));
    expect(second.outcomes['COPY . /all/']).toBe('cached');
    expect(second.image.id).toBe(first.image.id);
  });

  test.each([
    ['content', tarOf(copyAll, file('.dockerignore', '*'), file('d/f', 'other'), owned), 'd/f'],
    ['owner', tarOf(copyAll, file('.dockerignore', '*'), file('d/f'), { ...owned, uid: 13 }), 'owned'],
  ])('of other %s is a miss that names the file', async (_, changed, path) => {
    await buildFrom(tar);
    const built = await buildFrom(changed);
    expect(built.outcomes['COPY . /all/']).toBe('executed');
    expect(JSON.stringify(built.causes['COPY . /all/'])).toContain(path);
  });

  test('gives its Dockerfile by the path in it: dockerfile too, through links, and never from outside', async () => {
    const label = (value: string): string => `FROM scratch\nLABEL from=${value}\n`;
    const archive = tarOf(
      dockerfile(label('lower'), 'dockerfile'),
      dockerfile(label('deep'), 'd/Other'),
      symlink('link', '/d/Other'),
      symlink('out', '../../../../../../../etc/hostname'),
    );
    const from = async (path?: string): Promise<unknown> => {
      const { image } = await buildFrom(archive, { dockerfile: path });
      const config = JSON.parse((await shop.store.readBlob(image.id)).toString()) as {
        config: { Labels: Record<string, string> };
      };
      return config.config.Labels['from'];
    };
    expect(await from()).toBe('lower');
    for (const path of ['d/Other', '/d/Other', '../d/./Other', 'link']) expect(await from(path)).toBe('deep');
    for (const path of ['nope', 'out', 'dockerfile/x']) {
      await expect(from(path)).rejects.toMatchObject({ code: 'TBUILD_DOCKERFILE_NOT_FOUND' });
    }
    await expect(from('d')).rejects.toMatchObject({
      code: 'TBUILD_DOCKERFILE_NOT_FOUND',
      message: expect.stringContaining('regular file') as string,
    });
  });

  test.each(['gzip', 'xz', 'bzip2', 'zstd'].filter((program) => !lacks(`tool:${program}`)))(
    'may be compressed with %s',
    async (program) => {
      const packed = execFileSync(program, ['-c'], { input: tar });
      expect((await buildFrom(packed)).image.id).toBe((await buildFrom(tar)).image.id);
    },
  );

  test('is there for every step that reads it, archives given to ADD too', async () => {
    const inner = tarOf(file('inner', 'from the archive'));
    const built = await buildFrom(
      tarOf(
        dockerfile('FROM scratch AS a\nCOPY x /x\nFROM scratch\nADD inner.tar /add/\nCOPY --from=a /x /y\nCOPY x /z\n'),
        { name: 'inner.tar', content: inner },
        file('x'),
      ),
    );
    expect(filesOf(built)).toEqual(['add/inner 0:0 644', 'y 0:0 644', 'z 0:0 644']);
  });

  test('leaves nothing behind, neither built nor refused', async () => {
    await buildFrom(tar);
    const cut = gzipSync(tar).subarray(0, -20);
    await expect(buildFrom(cut)).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
    await expect(buildFrom(tarOf(copyAll, file('../up')))).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
    await expect(buildFrom(tarOf(dockerfile('FROM scratch\nCOPY nope /\n')))).rejects.toMatchObject({
      code: 'TBUILD_SOURCE_NOT_FOUND',
      span: { file: 'Dockerfile', line: 2 },
      details: { dockerfile: 'FROM scratch\nCOPY nope /\n' },
    });
    expect(inFlight(shop.store.root)).toEqual([]);
    const layers = readdirSync(join(shop.store.root, 'layers'));
    const held = layers.filter((id) => shop.store.listing(id).find('Dockerfile') !== undefined);
    expect(held).toEqual([]);
  });

  test('two builds at once may have the same one', async () => {
    const [one, two] = await Promise.all([buildFrom(tar), buildFrom(tar, { noCache: true })]);
    expect(one.image.chain).toEqual(two.image.chain);
  });
});

describe('a Dockerfile on standard input', () => {
  test('builds without a context, which an error says', async () => {
    const built = await buildFrom('FROM scratch\nCOPY . /\nLABEL a=b\n');
    expect(filesOf(built)).toEqual([]);
    await expect(buildFrom('FROM scratch\nCOPY file /\n')).rejects.toMatchObject({
      code: 'TBUILD_SOURCE_NOT_FOUND',
      hint: expect.stringContaining('-f -') as string,
      details: { dockerfile: 'FROM scratch\nCOPY file /\n' },
    });
  });

  test('goes with a directory as -f -, whose .dockerignore holds', async () => {
    const context = shop.context({ '.dockerignore': 'b', a: '', b: '', Dockerfile: 'never read' });
    const built = await shop.build(context, {
      dockerfile: '-',
      stdin: stdin('FROM scratch\nCOPY a* b* /\n'),
    });
    expect(filesOf(built)).toEqual(['a 0:0 644']);
    const again = await shop.build(context, {
      dockerfile: '-',
      stdin: stdin('FROM scratch\nCOPY a* b* /\n'),
    });
    expect(again.outcomes['COPY a* b* /']).toBe('cached');
  });

  test.each([
    ['an unknown instruction', 'FROM scratch\nCOP a b\n', 'TBUILD_DOCKERFILE_SYNTAX'],
    ['nothing', '', 'TBUILD_DOCKERFILE_SYNTAX'],
    ['far too much', Buffer.alloc(17 * 1024 * 1024, '#'), 'TBUILD_DOCKERFILE_SYNTAX'],
  ])('with %s is refused', async (_, text, code) => {
    await expect(buildFrom(text)).rejects.toMatchObject({ code });
  });
});

describe('a Dockerfile outside of the context', () => {
  test('is taken as docker takes it: from the working directory, with the ignore file beside it', async () => {
    const context = shop.context({ a: '', b: '', '.dockerignore': 'a' });
    const outside = shop.context({
      'Other.Dockerfile': 'FROM scratch\nCOPY a* b* /\n',
      'Plain.Dockerfile': 'FROM scratch\nCOPY a* b* /\n',
      'Other.Dockerfile.dockerignore': 'b',
    });
    const from = async (path: string): Promise<readonly string[]> =>
      filesOf(await shop.build(context, { dockerfile: path }));
    expect(await from(join(outside, 'Other.Dockerfile'))).toEqual(['a 0:0 644']);
    expect(await from(relative(process.cwd(), join(outside, 'Plain.Dockerfile')))).toEqual(['b 0:0 644']);
    // Not from the context, where a path was given.
    await expect(from('a')).rejects.toMatchObject({ code: 'TBUILD_DOCKERFILE_NOT_FOUND' });
  });
});

describe('standard input', () => {
  test('cannot be both context and Dockerfile, nor a Dockerfile beside -f', async () => {
    const both = async (): Promise<Built> => buildFrom('FROM scratch\n', { dockerfile: '-' });
    await expect(both()).rejects.toThrow("can't use stdin for both build context and dockerfile");
    await expect(buildFrom('FROM scratch\n', { dockerfile: 'x' })).rejects.toMatchObject({
      code: 'TBUILD_USAGE',
      message: expect.stringContaining('ambiguous Dockerfile source') as string,
    });
  });

  test('must be given', async () => {
    await expect(shop.build('-')).rejects.toMatchObject({ code: 'TBUILD_USAGE' });
  });

  test.each([
    ['before the first byte', []],
    ['in a tar', [tarOf(copyAll, file('big', 'x'.repeat(100_000))).subarray(0, 50_000)]],
  ])('that falls silent %s does not hold up an abort', async (_, chunks) => {
    async function* silent(): AsyncGenerator<Uint8Array, void, undefined> {
      yield* chunks;
      await new Promise(() => undefined);
    }
    const controller = new AbortController();
    const building = shop.build('-', { stdin: silent(), signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await expect(building).rejects.toThrow('enough');
    expect(inFlight(shop.store.root)).toEqual([]);
  });
});

describe.skipIf(lacks('root'))('device nodes in a context', () => {
  test('are copied, as with docker', async () => {
    const built = await buildFrom(tarOf(copyAll, { name: 'null', type: '3', major: 1, minor: 3 }));
    expect(filesOf(built)).toContain('all/null 0:0 644');
  });
});

describe.skipIf(lacks('ordinary-user', 'id-ranges'))('files of others in a context of an ordinary user', () => {
  test('are read all the same: the Dockerfile, what is copied, an archive for ADD', async () => {
    const closed = { uid: 1000, gid: 1000, mode: 0o600 };
    const built = await buildFrom(
      tarOf(
        { ...dockerfile('FROM scratch\nCOPY file /\nADD inner.tar /\n'), ...closed },
        { ...file('file'), ...closed },
        { name: 'inner.tar', content: tarOf(file('inner', 'i'.repeat(5_000_000))), ...closed },
      ),
    );
    expect(filesOf(built)).toEqual(['file 1000:1000 600', 'inner 0:0 644']);
  });
});
