import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/native/load.ts';
import { lacks } from '../helpers/capabilities.ts';
import { makeWorkspace } from './workspace.ts';

const addon = loadAddon();

describe('scanTree', () => {
  it('lists depth first, names sorted by bytes, with what lstat says', async () => {
    using workspace = makeWorkspace();
    makeFiles(workspace.path, ['b/x', 'b-c', 'B', 'a/z/1', 'é', 'a/.hidden']);
    symlinkSync('nowhere', `${workspace.path}link`);
    linkSync(`${workspace.path}B`, `${workspace.path}b/same`);
    const records = await scan(workspace.path, []);
    expect(records.map(({ path }) => path)).toEqual([
      'B',
      'a',
      'a/.hidden',
      'a/z',
      'a/z/1',
      'b',
      'b/same',
      'b/x',
      'b-c',
      'link',
      'é',
    ]);
    for (const record of records) {
      const status = lstatSync(workspace.path + record.path, { bigint: true });
      expect(record).toEqual({
        path: record.path,
        mode: Number(status.mode),
        uid: Number(status.uid),
        gid: Number(status.gid),
        dev: status.dev,
        ino: status.ino,
        size: status.size,
        mtimeNs: status.mtimeNs,
        ctimeNs: status.ctimeNs,
        nlink: Number(status.nlink),
      });
    }
  });

  it('keeps the bytes of names that are not UTF-8', async () => {
    using workspace = makeWorkspace();
    writeFileSync(Buffer.concat([Buffer.from(workspace.path), Buffer.of(0xff, 0x2e, 0xe9)]), '');
    const bytes = await addon.scanTree(workspace.path, []);
    expect(bytes.subarray(60)).toEqual(Buffer.of(0xff, 0x2e, 0xe9));
  });

  it('holds thousands of entries of one directory', async () => {
    using workspace = makeWorkspace();
    const names = Array.from({ length: 5000 }, (_, index) => `a-rather-long-file-name-number-${index}`);
    makeFiles(workspace.path, names);
    expect((await scan(workspace.path, [])).map(({ path }) => path)).toEqual([...names].sort());
  });

  it('follows a root that is a symlink, and rejects one that is a file or missing', async () => {
    using workspace = makeWorkspace();
    makeFiles(workspace.path, ['real/f']);
    symlinkSync('real', `${workspace.path}root`);
    expect((await scan(`${workspace.path}root`, [])).map(({ path }) => path)).toEqual(['f']);
    await expect(addon.scanTree(`${workspace.path}real/f`, [])).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(addon.scanTree(`${workspace.path}none`, [])).rejects.toMatchObject({
      code: 'ENOENT',
      syscall: 'open',
    });
  });

  it.skipIf(lacks('ordinary-user'))(
    'marks a directory that cannot be read or searched, unless a rule leaves it out, and goes on behind it',
    async () => {
      using workspace = makeWorkspace();
      makeFiles(workspace.path, ['closed/f', 'd/listed/f', 'd/open', 'z']);
      chmodSync(`${workspace.path}closed`, 0);
      chmodSync(`${workspace.path}d/listed`, 0o600);
      const marked = ['closed', 'closed/', 'd', 'd/listed', 'd/listed/', 'd/open', 'z'];
      expect((await scan(workspace.path, [])).map(({ path }) => path)).toEqual(marked);
      expect((await scan(workspace.path, ['closed', 'd'])).map(({ path }) => path)).toEqual(['z']);
      chmodSync(`${workspace.path}closed`, 0o700);
      chmodSync(`${workspace.path}d/listed`, 0o700);
    },
  );

  it('ends in an error, not a crash, where a tree is deeper than descriptors allow', async () => {
    using workspace = makeWorkspace();
    const script = 'import os, sys; os.chdir(sys.argv[1]); [(os.mkdir("d"), os.chdir("d")) for _ in range(600)]';
    execFileSync('python3', ['-c', script, workspace.path]);
    const program = `
      const addon = require(process.argv[1]);
      addon.scanTree(process.argv[2], []).then((b) => console.log(b.length), (e) => console.log(e.code));`;
    const addonPath = new URL('../../addon/build/Release/tbuild.node', import.meta.url).pathname;
    const out = execFileSync('sh', [
      '-c',
      'ulimit -n 256; exec "$@"',
      'sh',
      process.execPath,
      '-e',
      program,
      addonPath,
      workspace.path,
    ]);
    expect(out.toString().trim()).toBe('EMFILE');
  });
});

describe('the rules of scanTree', () => {
  const tree = [
    'a.md',
    'docs/x.md',
    'docs/y/z.md',
    'docs/keep.txt',
    'node_modules/m/index.js',
    'node_modules/m/lib/a.js',
    'src/a.js',
    'src/[b].js',
    'src/é.js',
  ];

  const cases: readonly (readonly [rules: readonly string[], left: readonly string[]])[] = [
    [
      ['node_modules'],
      [
        'a.md',
        'docs',
        'docs/keep.txt',
        'docs/x.md',
        'docs/y',
        'docs/y/z.md',
        'src',
        'src/[b].js',
        'src/a.js',
        'src/é.js',
      ],
    ],
    [['*'], []],
    [['**'], []],
    [
      ['*', '!src'],
      ['src', 'src/[b].js', 'src/a.js', 'src/é.js'],
    ],
    [
      ['*', '!src/a.js'],
      ['src', 'src/a.js'],
    ],
    [
      ['**/*.md', 'node_modules', 'src'],
      ['docs', 'docs/keep.txt', 'docs/y'],
    ],
    [
      ['docs/**', 'node_modules', 'src'],
      ['a.md', 'docs'],
    ],
    [
      ['docs/**', '!docs/y/*.md', 'node_modules', 'src'],
      ['a.md', 'docs', 'docs/y', 'docs/y/z.md'],
    ],
    [
      ['*.md', 'docs/?.md', 'node_modules', 'src'],
      ['docs', 'docs/keep.txt', 'docs/y', 'docs/y/z.md'],
    ],
    [
      ['src/[a-c].js', 'docs', 'node_modules', '*.md'],
      ['src', 'src/[b].js', 'src/é.js'],
    ],
    [
      ['src/\\[b\\].js', 'docs', 'node_modules', '*.md'],
      ['src', 'src/a.js', 'src/é.js'],
    ],
    [
      ['src/?.js', 'docs', 'node_modules', '*.md'],
      ['src', 'src/[b].js'],
    ],
    [
      ['node_modules/**/*.js', 'docs', 'src', '*.md'],
      ['node_modules', 'node_modules/m', 'node_modules/m/lib'],
    ],
    [['!src', 'src', 'docs', 'node_modules', '*.md'], []],
  ];

  it.each(cases)('%j leave just what could be admitted', async (rules, left) => {
    using workspace = makeWorkspace();
    makeFiles(workspace.path, tree);
    expect((await scan(workspace.path, rules)).map(({ path }) => path)).toEqual(left);
  });

  it('leave nothing out when one of them means what only Go regular expressions know', async () => {
    using workspace = makeWorkspace();
    makeFiles(workspace.path, tree);
    const all = await scan(workspace.path, []);
    for (const odd of ['\\d', '[[:alpha:]]', 'a^b', '[', 'x]'])
      expect(await scan(workspace.path, ['*', `!${odd}`])).toEqual(all);
  });
});

interface Scanned {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly nlink: number;
}

/** Rules as an ignore file writes them. */
async function scan(root: string, rules: readonly string[]): Promise<Scanned[]> {
  const bytes = await addon.scanTree(
    root,
    rules.map((rule) =>
      rule.startsWith('!') ? { pattern: rule.slice(1), negated: true } : { pattern: rule, negated: false },
    ),
  );
  const records: Scanned[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 60 + bytes.readUInt32LE(at);
    records.push({
      path: bytes.toString('utf8', at + 60, end),
      mode: bytes.readUInt32LE(at + 4),
      uid: bytes.readUInt32LE(at + 8),
      gid: bytes.readUInt32LE(at + 12),
      dev: bytes.readBigUInt64LE(at + 16),
      ino: bytes.readBigUInt64LE(at + 24),
      size: bytes.readBigUInt64LE(at + 32),
      mtimeNs: bytes.readBigInt64LE(at + 40),
      ctimeNs: bytes.readBigInt64LE(at + 48),
      nlink: bytes.readUInt32LE(at + 56),
    });
    at = end;
  }
  return records;
}

function makeFiles(root: string, paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, path);
  }
}
