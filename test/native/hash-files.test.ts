import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/native/load.ts';
import { lacks } from '../helpers/capabilities.ts';
import { endOfInput, entry, startRawHelper } from './raw-client.ts';
import { makeWorkspace, sha256 } from './workspace.ts';

const addon = loadAddon();

describe('hashFiles', () => {
  it('gives the published SHA-256 vectors', async () => {
    const vectors: Record<string, string> = {
      '': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      abc: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq:
        '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
      abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu:
        'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1',
    };
    using workspace = makeWorkspace();
    Object.keys(vectors).forEach((text, index) => writeFileSync(`${workspace.path}${index}`, text));
    const digests = parse(
      await addon.hashFiles(
        workspace.path,
        Object.keys(vectors).map((_, index) => String(index)),
      ),
    );
    expect(digests.map(({ digest }) => digest)).toEqual(Object.values(vectors));
  });

  it('agrees with node:crypto at every length around the block and buffer sizes', async () => {
    using workspace = makeWorkspace();
    const lengths = [
      ...Array.from({ length: 200 }, (_, index) => index),
      4095,
      4096,
      262_143,
      262_144,
      262_145,
      1_000_003,
    ];
    const contents = lengths.map((length) =>
      Buffer.from(Array.from({ length }, (_, index) => (index * 31 + length) & 255)),
    );
    contents.forEach((bytes, index) => writeFileSync(`${workspace.path}${index}`, bytes));
    const digests = parse(
      await addon.hashFiles(
        workspace.path,
        contents.map((_, index) => String(index)),
      ),
    );
    expect(digests.map(({ digest }) => digest)).toEqual(contents.map(sha256));
  });

  it('hashes the target text of a symlink, and follows none', async () => {
    using workspace = makeWorkspace();
    writeFileSync(`${workspace.path}file`, 'x');
    mkdirSync(`${workspace.path}real`);
    writeFileSync(`${workspace.path}real/inside`, 'x');
    symlinkSync('/etc/passwd', `${workspace.path}link`);
    symlinkSync('real', `${workspace.path}linked`);
    const paths = ['link', 'linked/inside', '../etc', '/etc/passwd', 'real/../../..', 'missing', 'real', 'file/x'];
    const digests = parse(await addon.hashFiles(workspace.path, paths));
    expect(digests[0]).toMatchObject({ status: 0, digest: sha256('/etc/passwd') });
    const { ELOOP, EXDEV, ENOENT, EISDIR, ENOTDIR } = constants.errno;
    expect(digests.slice(1).map(({ status }) => status)).toEqual([ELOOP, EXDEV, EXDEV, EXDEV, ENOENT, EISDIR, ENOTDIR]);
  });

  it('opens no fifo', async () => {
    using workspace = makeWorkspace();
    execFileSync('mkfifo', [`${workspace.path}fifo`]);
    expect(parse(await addon.hashFiles(workspace.path, ['fifo']))).toMatchObject([{ status: constants.errno.EINVAL }]);
  });

  it.skipIf(lacks('ordinary-user'))('reports what this user may not read as EACCES', async () => {
    using workspace = makeWorkspace();
    writeFileSync(`${workspace.path}secret`, 'x');
    chmodSync(`${workspace.path}secret`, 0);
    expect(parse(await addon.hashFiles(workspace.path, ['secret']))).toMatchObject([
      { status: constants.errno.EACCES },
    ]);
  });

  it('keeps the order of the paths however many there are', async () => {
    using workspace = makeWorkspace();
    const names = Array.from({ length: 500 }, (_, index) => `f${index}`);
    for (const name of names) writeFileSync(`${workspace.path}${name}`, name);
    linkSync(`${workspace.path}f0`, `${workspace.path}again`);
    const digests = parse(await addon.hashFiles(workspace.path, [...names, 'again']));
    expect(digests.map(({ digest }) => digest)).toEqual([...names, 'f0'].map(sha256));
  });

  it('takes names that are not UTF-8 with their bytes as lone surrogates', async () => {
    using workspace = makeWorkspace();
    writeFileSync(Buffer.concat([Buffer.from(workspace.path), Buffer.of(0xff, 0x41, 0xe9)]), 'odd');
    writeFileSync(`${workspace.path}é💡`, 'utf8');
    const digests = parse(await addon.hashFiles(workspace.path, ['\udcffA\udce9', 'é💡']));
    expect(digests.map(({ digest }) => digest)).toEqual([sha256('odd'), sha256('utf8')]);
  });

  it('gives the extended attributes that layers carry, sorted', async () => {
    using workspace = makeWorkspace();
    await using helper = startRawHelper();
    await helper.call(
      [
        ['op', 'write'],
        ['diff', `${workspace.path}diff`],
      ],
      [
        entry(
          ['path', 'file'],
          ['type', 'file'],
          ['mode', '644'],
          ['size', '0'],
          ['xattr', 'user.b=00ff'],
          ['xattr', 'user.a=c='],
        ),
        endOfInput,
      ],
    );
    const [file] = parse(await addon.hashFiles(`${workspace.path}diff`, ['file']));
    expect(file?.xattrs).toEqual(['user.a=c=', 'user.b=00ff']);
  });

  it('rejects when the root is missing', async () => {
    await expect(addon.hashFiles('/nonexistent/root', ['x'])).rejects.toMatchObject({
      code: 'ENOENT',
      errno: -2,
      syscall: 'open',
      path: '/nonexistent/root',
    });
  });
});

interface FileDigest {
  readonly status: number;
  readonly digest: string;
  readonly xattrs: readonly string[];
}

function parse(bytes: Buffer): FileDigest[] {
  const files: FileDigest[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const end = offset + 37 + bytes.readUInt32LE(offset + 33);
    files.push({
      status: bytes[offset] ?? -1,
      digest: bytes.toString('hex', offset + 1, offset + 33),
      xattrs: bytes
        .toString('utf8', offset + 37, end)
        .split('\0')
        .slice(0, -1),
    });
    offset = end;
  }
  return files;
}
