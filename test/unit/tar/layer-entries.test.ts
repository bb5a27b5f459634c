import { describe, expect, test } from 'vitest';
import { hostileLayers } from '../../../fixtures/layers/hostile.ts';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import type { WriteEntry } from '../../../src/native/helper-types.ts';
import { layerEntries } from '../../../src/tar/layer-entries.ts';
import type { LayerEntriesOptions, Omission } from '../../../src/tar/layer-entries.ts';
import { readTar } from '../../../src/tar/read-tar.ts';

async function unpack(tar: Buffer, options?: LayerEntriesOptions): Promise<WriteEntry[]> {
  const entries: WriteEntry[] = [];
  for await (const entry of layerEntries(readTar(chunks(tar)), options)) {
    if (entry.type === 'file' && entry.content.kind === 'stream') {
      const parts: Uint8Array[] = [];
      for await (const part of entry.content.data) parts.push(part);
      const text = Buffer.concat(parts);
      expect(text.length).toBe(entry.content.size);
      entries.push({ ...entry, content: { ...entry.content, data: only(text) } });
      contents.set(entries.at(-1)!, text.toString());
    } else entries.push(entry);
  }
  return entries;
}

const contents = new WeakMap<WriteEntry, string>();

async function* only(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* chunks(tar: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < tar.length; start += 700) yield tar.subarray(start, start + 700);
}

function line(entry: WriteEntry): string {
  const { path } = entry;
  switch (entry.type) {
    case 'directory':
      return `d ${entry.mode.toString(8)} ${path}${entry.opaque === true ? ' opaque' : ''}`;
    case 'parent':
      return `p ${path}`;
    case 'file':
      return `f ${entry.mode.toString(8)} ${path} ${contents.get(entry)}`;
    case 'symlink':
      return `l ${path} -> ${entry.link}`;
    case 'hardlink':
      return `h ${path} => ${entry.link}`;
    case 'whiteout':
      return `w ${path}`;
    case 'fifo':
      return `s ${path}`;
    default:
      return `${entry.type === 'block' ? 'b' : 'c'} ${path} ${entry.major}:${entry.minor}`;
  }
}

describe('the tar set', () => {
  test.each(hostileLayers)('$title', async ({ tar, outcome }) => {
    if ('refused' in outcome) {
      await expect(unpack(tar())).rejects.toMatchObject({
        code: 'TBUILD_ARCHIVE',
        message: expect.stringMatching(outcome.refused),
      });
    } else {
      expect((await unpack(tar())).map(line)).toEqual(outcome.entries);
    }
  });

  test('whatever is not refused names no path with .., . or an empty component, and every parent before its children', async () => {
    for (const { tar, outcome } of hostileLayers) {
      if ('refused' in outcome) continue;
      const directories = new Set(['']);
      for (const { path, type } of await unpack(tar())) {
        if (path === '.') continue;
        expect(path.split('/')).not.toContain('..');
        expect(path.split('/')).not.toContain('.');
        expect(path.split('/')).not.toContain('');
        expect(directories).toContain(path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');
        if (type === 'directory' || type === 'parent') directories.add(path);
        else directories.delete(path);
      }
    }
  });
});

test('owner, mode and time of an entry are kept; times before 1970 are 0 as in docker', async () => {
  const tar = tarOf(
    { name: 'a', uid: 1000, gid: 2_000_000, mode: 0o640, mtime: 1_700_000_000 },
    { name: 'b', pax: { mtime: '-1.5' } },
    { name: 'c', pax: { mtime: '1234567890.987654321' } },
  );
  expect(await unpack(tar)).toMatchObject([
    { uid: 1000, gid: 2_000_000, mode: 0o640, mtime: 1_700_000_000 },
    { mtime: 0 },
    { mtime: 1_234_567_890 },
  ]);
});

const capability = Buffer.from('0100000200ff008000000000ffff000000000000', 'hex');

test('file capabilities, ACLs and user attributes are kept byte for byte, what is overlayfs or security-module state is dropped and named', async () => {
  const omissions: Omission[] = [];
  const acl = Buffer.from('0200000001000600ffffffff', 'hex');
  const tar = tarOf({
    name: 'ping',
    mode: 0o4755,
    pax: {
      'SCHILY.xattr.security.capability': capability,
      'SCHILY.xattr.system.posix_acl_access': acl,
      'SCHILY.xattr.user.note': 'a\nb=c\0d',
      'SCHILY.xattr.user.overlay.opaque': 'y',
      'SCHILY.xattr.trusted.overlay.opaque': 'y',
      'SCHILY.xattr.security.selinux': 'x',
      'SCHILY.xattr.security.ima': 'x',
      'SCHILY.xattr.com.apple.quarantine': 'x',
    },
  });
  const [entry] = await unpack(tar, { onOmitted: (omission) => omissions.push(omission) });
  expect(entry).toMatchObject({ mode: 0o4755 });
  expect((entry as { xattrs?: unknown }).xattrs).toEqual({
    'security.capability': capability.toString('hex'),
    'system.posix_acl_access': acl.toString('hex'),
    'user.note': Buffer.from('a\nb=c\0d').toString('hex'),
    'user.overlay.opaque': '79',
  });
  expect(omissions.map(({ detail }) => detail)).toEqual([
    'trusted.overlay.opaque',
    'security.selinux',
    'security.ima',
    'com.apple.quarantine',
  ]);
});

test('device nodes can be left out: they are reported, and links to them with them', async () => {
  const omissions: Omission[] = [];
  const tar = tarOf(
    { name: 'dev/null', type: '3', major: 1, minor: 3 },
    { name: 'dev/zero', type: '1', linkname: 'dev/null' },
    { name: 'f', content: 'x' },
    { name: 'f', type: '4', major: 8, minor: 0 },
  );
  const entries = await unpack(tar, { devices: 'omit', onOmitted: (omission) => omissions.push(omission) });
  expect(entries.map(line)).toEqual(['p dev', 'f 644 f x', 'w f']);
  expect(omissions).toEqual([
    { path: 'dev/null', what: 'device', detail: 'c 1:3' },
    { path: 'dev/zero', what: 'device', detail: 'link to dev/null' },
    { path: 'f', what: 'device', detail: 'b 8:0' },
  ]);
});

test('overlayfs whiteouts as devices are refused even where devices are left out', async () => {
  const tar = tarOf({ name: 'x', type: '3', major: 0, minor: 0 });
  await expect(unpack(tar, { devices: 'omit' })).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
});

test('where whiteouts mean nothing, their names are refused', async () => {
  for (const name of ['.wh.a', 'd/.wh..wh..opq', '.wh..wh.aufs', '.wh.a/x']) {
    await expect(unpack(tarOf({ name }), { whiteouts: 'refuse' })).rejects.toMatchObject({ code: 'TBUILD_ARCHIVE' });
  }
});

describe('below a destination', () => {
  test('all paths, hard link targets and the root entry move there, and symlinks resolve inside it', async () => {
    const tar = tarOf(
      { name: './', type: '5', mode: 0o700 },
      { name: 'l', type: '2', linkname: '/etc' },
      { name: 'l/x', content: '1' },
      { name: 'h', type: '1', linkname: '/etc/x' },
    );
    expect((await unpack(tar, { destination: 'opt/app' })).map(line)).toEqual([
      'd 700 opt/app',
      'l opt/app/l -> /etc',
      'p opt/app/etc',
      'f 644 opt/app/etc/x 1',
      'h opt/app/h => opt/app/etc/x',
    ]);
  });

  test('nothing leaves it', async () => {
    await expect(unpack(tarOf({ name: '../x' }), { destination: 'opt/app' })).rejects.toMatchObject({
      code: 'TBUILD_ARCHIVE',
    });
  });
});

describe('on a known state', () => {
  const attributes = { mode: 0o1777, uid: 1, gid: 2, xattrs: {} };
  const below: NonNullable<LayerEntriesOptions['below']> = (path) =>
    ({
      tmp: { type: 'directory', ...attributes },
      bin: { type: 'symlink', link: 'usr/bin' },
      usr: { type: 'directory', ...attributes, mode: 0o755 },
      'usr/bin': { type: 'directory', ...attributes, mode: 0o755 },
      file: { type: 'other' },
    })[path] as ReturnType<NonNullable<LayerEntriesOptions['below']>>;

  test('a directory that is passed through keeps its attributes', async () => {
    expect(await unpack(tarOf({ name: 'tmp/x' }), { below })).toMatchObject([
      { type: 'parent', path: 'tmp', ...attributes },
      {},
    ]);
  });

  test('symlinks of the state are followed', async () => {
    expect((await unpack(tarOf({ name: 'bin/x', content: '1' }), { below })).map(line)).toEqual([
      'p usr',
      'p usr/bin',
      'f 644 usr/bin/x 1',
    ]);
  });

  test('a path through a file of the state is refused', async () => {
    await expect(unpack(tarOf({ name: 'file/x' }), { below })).rejects.toThrow(/not a directory/);
  });

  test('what the archive put in place of a directory hides what was in it', async () => {
    const tar = tarOf({ name: 'usr', content: 'x' }, { name: 'usr', type: '5' }, { name: 'usr/bin/x', content: '1' });
    expect((await unpack(tar, { below })).map(line)).toEqual([
      'f 644 usr x',
      'd 755 usr opaque',
      'p usr/bin',
      'f 644 usr/bin/x 1',
    ]);
    expect((await unpack(tar, { below })).at(2)).toMatchObject({ uid: 0 });
  });
});

test('breaking off closes the source', async () => {
  let isClosed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks(tarOf({ name: 'a', content: 'x'.repeat(2000) }, { name: 'b' }));
    } finally {
      isClosed = true;
    }
  }
  for await (const entry of layerEntries(readTar(source()))) {
    expect(entry.path).toBe('a');
    break;
  }
  expect(isClosed).toBe(true);
});
