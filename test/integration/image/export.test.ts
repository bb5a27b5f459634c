import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleImage } from '../../../src/image/assemble.ts';
import { applyInstruction } from '../../../src/image/apply-instruction.ts';
import { draftFromImage, scratchDraft } from '../../../src/image/draft.ts';
import { exportLocal } from '../../../src/image/export-local.ts';
import { exportOci } from '../../../src/image/export-oci.ts';
import { exportTar } from '../../../src/image/export-tar.ts';
import { readImageConfig } from '../../../src/image/read-image.ts';
import type { WriteEntry } from '../../../src/native/helper-types.ts';
import { digestFromHex } from '../../../src/oci/digest.ts';
import type { ChainLayer, ImageRecord } from '../../../src/store/types.ts';
import { readTar } from '../../../src/tar/read-tar.ts';
import { lacks, peersProgram } from '../../helpers/capabilities.ts';
import { validateLayout } from '../../helpers/image.ts';
import { instruction, shell } from '../../unit/image/instructions.ts';
import { tarOf, writeLayout } from './layouts.ts';
import { bytes, collect, openWorkbench, readLayout, run } from './workbench.ts';
import type { Workbench } from './workbench.ts';

const owner = { mode: 0o644, uid: 0, gid: 0, mtime: 1_600_000_000 };

describe.skipIf(lacks('root'))('an image of an arrived and two native layers', () => {
  let bench: Workbench;
  let image: ImageRecord;
  beforeAll(async () => {
    bench = await openWorkbench();
    const base = tarOf(
      bench.directory,
      'base',
      `mkdir -p etc a/b opaque; echo root > etc/passwd; echo x > opaque/x; echo one > a/first; ln a/first a/second; ln a/first a/third
       head -c 300000 /dev/zero > big; echo x > café; chown 7:8 big; touch -d @1000000000 a/b etc a; ln -s a link`,
    );
    const layout = join(bench.directory, 'layout');
    writeLayout(layout, [base], { config: { Env: ['PATH=/bin'] } });
    const arrived = await readLayout(bench, layout);
    const first = await nativeLayer([
      { type: 'parent', path: 'a', mode: 0o755, uid: 0, gid: 0 },
      { type: 'whiteout', path: 'a/first' },
      { type: 'directory', path: 'opaque', ...owner, mode: 0o711, opaque: true },
      { type: 'file', path: 'opaque/new', ...owner, uid: 12, content: text('new') },
      { type: 'file', path: 'a-b', ...owner, content: text('sorts between a and a/b') },
    ]);
    const second = await nativeLayer([
      { type: 'directory', path: 'etc', ...owner, mode: 0o755 },
      { type: 'file', path: 'etc/passwd', ...owner, xattrs: { 'user.x': '00ff' }, content: text('changed') },
    ]);
    const config = await readImageConfig(bench.store, arrived.image);
    const step = instruction({ kind: 'run', command: shell('x') });
    const context = { args: [], madeLayer: true, created: 1_600_000_000_000 };
    const draft = applyInstruction(applyInstruction(draftFromImage(config), step, context), step, context);
    image = await assembleImage(bench.store, draft, [...arrived.image.chain, first, second], { created: 0 });
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const text = (content: string): { kind: 'stream'; size: number; data: AsyncIterable<Uint8Array> } => ({
    kind: 'stream',
    size: Buffer.byteLength(content),
    data: bytes(Buffer.from(content)),
  });

  async function nativeLayer(entries: readonly WriteEntry[]): Promise<ChainLayer> {
    const job = await bench.store.createJob();
    try {
      const rootAttributes = { mode: 0o755, uid: 0, gid: 0, xattrs: {} };
      const diff = await bench.helper.write({ diff: job.diff, rootAttributes }, entries);
      const info = await job.commitLayer(diff);
      return { layer: info.id, diffId: digestFromHex(diff.diffId ?? ''), state: info.state };
    } finally {
      await job[Symbol.asyncDispose]();
    }
  }

  const unpack = (name: string, archive: Buffer): string => {
    const directory = join(bench.directory, name);
    mkdirSync(directory, { recursive: true });
    run('tar', ['-x', '--xattrs', '--xattrs-include=*', '--same-owner', '--delay-directory-restore', '-C', directory], {
      input: archive,
    });
    return directory;
  };

  /** Type, mode, owner, size, time, name. */
  const listArchive = (archive: Buffer): readonly string[] =>
    run('tar', ['-tv', '--numeric-owner', '--full-time', '--quoting-style=escape'], { input: archive })
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.replace(/ \.\//, ' ').replace(/link to \.\//, 'link to '))
      .filter((line) => !line.endsWith(' '))
      .toSorted();

  const oci = (names: readonly string[]): Promise<Buffer> =>
    collect((destination) => exportOci({ ...bench, image, names, destination }));

  test('type=oci is a valid layout with every name, and the same bytes each time', async () => {
    const archive = await oci(['app:v1', 'localhost:5000/x']);
    const [first, second] = validateLayout(unpack('oci', archive));
    expect([first?.names, second?.names]).toEqual([['docker.io/library/app:v1'], ['localhost:5000/x:latest']]);
    expect(first?.descriptor.annotations).toMatchObject({ 'org.opencontainers.image.ref.name': 'v1' });
    expect(first?.manifest.config.digest).toBe(image.id);
    expect(first?.manifest.mediaType).toBe('application/vnd.oci.image.manifest.v1+json');
    expect((await oci(['app:v1', 'localhost:5000/x'])).equals(archive)).toBe(true);
  });

  test('the manifest is remembered, and the blobs are made once', async () => {
    await oci([]);
    const record = (await bench.store.findImage(image.id))?.image;
    const [only] = validateLayout(unpack('again', await oci([])));
    expect(record?.manifest?.digest).toBe(only?.descriptor.digest);
    expect(only?.names).toEqual([]);
    for (const { diffId } of image.chain) {
      const blob = (await bench.store.findDiffId(diffId))?.blob;
      expect(blob !== undefined && (await bench.store.hasBlob(blob.digest))).toBe(true);
    }
  });

  test('type=oci comes back as the same image', async () => {
    const layout = unpack('back', await oci(['app']));
    const other = await openWorkbench();
    try {
      const back = await readLayout(other, layout, { tag: 'latest' });
      expect(back.image).toMatchObject({ id: image.id, created: image.created, size: image.size });
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  test('type=tar holds what the merged tree shows, sorted, with owners, times, links and attributes', async () => {
    const archive = await collect((destination) => exportTar({ ...bench, chain: image.chain, destination }));
    const names = run('tar', ['-t', '--quoting-style=literal'], { input: archive }).toString().trim().split('\n');
    expect(names).toEqual(
      [
        'a/',
        'a-b',
        'a/b/',
        'a/second',
        'a/third',
        'big',
        'café',
        'etc/',
        'etc/passwd',
        'link',
        'opaque/',
        'opaque/new',
      ].toSorted((x, y) => Buffer.from(x.replace(/\/$/, '')).compare(Buffer.from(y.replace(/\/$/, '')))),
    );
    const root = unpack('tar', archive);
    // The content came with a/first, which is hidden now.
    expect(readFileSync(join(root, 'a/second'), 'utf8')).toBe('one\n');
    expect(statSync(join(root, 'a/second')).ino).toBe(statSync(join(root, 'a/third')).ino);
    expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toBe('changed');
    expect(statSync(join(root, 'big'))).toMatchObject({ size: 300_000, uid: 7, gid: 8 });
    expect(statSync(join(root, 'opaque/new'))).toMatchObject({ uid: 12, mtimeMs: 1_600_000_000_000 });
    expect(statSync(join(root, 'opaque')).mode & 0o7777).toBe(0o711);
    expect(statSync(join(root, 'a/b')).mtimeMs).toBe(1_000_000_000_000);
    // A directory that a step only passed through keeps its time.
    expect(statSync(join(root, 'a')).mtimeMs).toBe(1_000_000_000_000);
    for await (const entry of readTar(bytes(archive))) {
      if (entry.path === 'etc/passwd') expect(entry.xattrs).toEqual({ 'user.x': '00ff' });
    }
  });

  test('type=local is the same tree in a directory, which must be empty', async () => {
    const destination = join(bench.directory, 'local/new');
    await exportLocal({ ...bench, chain: image.chain, destination });
    expect(readdirSync(destination).toSorted()).toEqual(['a', 'a-b', 'big', 'café', 'etc', 'link', 'opaque']);
    expect(readdirSync(join(destination, 'a')).toSorted()).toEqual(['b', 'second', 'third']);
    expect(readFileSync(join(destination, 'a/second'), 'utf8')).toBe('one\n');
    await expect(exportLocal({ ...bench, chain: image.chain, destination })).rejects.toThrow(
      expect.objectContaining({ code: 'TBUILD_OUTPUT' }),
    );
  });

  test.skipIf(lacks('peers'))('skopeo reads the archive, and umoci unpacks it to the tree of type=tar', async () => {
    const script = `d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cat > "$d/a.tar"
      skopeo inspect "oci-archive:$d/a.tar:v1" >&2; mkdir "$d/layout"; tar xf "$d/a.tar" -C "$d/layout"
      umoci unpack --image "$d/layout:v1" "$d/bundle" >&2; cd "$d/bundle/rootfs"; tar c --sort=name --numeric-owner .`;
    const unpacked = run(peersProgram, ['sh', '-euc', script], { input: await oci(['app:v1']) });
    const merged = await collect((destination) => exportTar({ ...bench, chain: image.chain, destination }));
    // Of a directory that a step only passed through, a layer's tar cannot know the time that it has below.
    const comparable = (archive: Buffer): readonly string[] =>
      listArchive(archive).map((line) => (line.endsWith(' a/') ? line.replace(/\d{4}-.* a/, 'a') : line));
    expect(comparable(unpacked).toSorted()).toEqual(comparable(merged).toSorted());
  });

  test('a native layer with files of all sizes is exported with its diffID', async () => {
    const sizes = [0, 1, 511, 512, 513, 1000, 131_072, 158_632, 300_000, 1_048_576, 5_000_000];
    const layer = await nativeLayer(
      sizes.map((size) => {
        const content = Buffer.alloc(size, String(size % 10));
        return { type: 'file', path: `f${size}`, ...owner, content: { kind: 'stream', size, data: bytes(content) } };
      }),
    );
    const sizedDraft = applyInstruction(
      scratchDraft(image.platform),
      instruction({ kind: 'run', command: shell('x') }),
      {
        args: [],
        madeLayer: true,
      },
    );
    const sized = await assembleImage(bench.store, sizedDraft, [layer], { created: 0 });
    const archive = await collect((destination) => exportOci({ ...bench, image: sized, names: [], destination }));
    const [only] = validateLayout(unpack('sizes', archive));
    const seen: [string, number][] = [];
    for await (const entry of readTar(bytes(only?.layers[0] ?? Buffer.alloc(0)))) {
      const content = await buffer(Readable.from(entry.content));
      expect(content.equals(Buffer.alloc(entry.size, String(entry.size % 10))), entry.path).toBe(true);
      seen.push([entry.path, entry.size]);
    }
    expect(seen.toSorted((a, b) => a[1] - b[1])).toEqual(sizes.map((size) => [`f${size}`, size]));
  });

  test('a layer whose files were changed is not exported', async () => {
    const layer = await nativeLayer([{ type: 'file', path: 'f', ...owner, content: text('good') }]);
    writeFileSync(join(bench.store.diffDirectory(layer.layer), 'f'), 'evil');
    const draft = {
      platform: image.platform,
      author: undefined,
      config: {},
      history: [{ created_by: 'x' }],
      isCmdSet: false,
      argValues: new Map(),
      order: [],
    };
    const broken = await assembleImage(bench.store, draft, [layer], { created: 0 });
    const exporting = collect((destination) => exportOci({ ...bench, image: broken, names: [], destination }));
    await expect(exporting).rejects.toThrow(expect.objectContaining({ code: 'TBUILD_STORE_CORRUPT' }));
  });
});
