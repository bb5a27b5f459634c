import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { failure, lines, openDiffBench, result } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import { directory, streamed } from './frames.ts';
import { entry } from './raw-client.ts';
import type { RawField } from './raw-client.ts';
import { sha256 } from './workspace.ts';

let bench: DiffBench;
let count = 0;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

describe('commit', () => {
  it('lists what write listed, with the same digests', async () => {
    const written = await bench.write([
      directory('d', ['mode', '2750'], ['mtime', '1'], ['opaque', '1'], ['xattr', 'user.x=00']),
      ...streamed('d/f', 'x'.repeat(9_000), ['mtime', '-2'], ['xattr', 'user.overlay.opaque=79']),
      entry(['path', 'd/g'], ['type', 'hardlink'], ['link', 'd/f']),
      entry(['path', 'd/l'], ['type', 'symlink'], ['link', '/abs'], ['mtime', '3']),
      entry(['path', 'p'], ['type', 'fifo'], ['mtime', '4']),
      entry(['path', 'w'], ['type', 'whiteout']),
      directory('.', ['mode', '711'], ['mtime', '5']),
    ]);
    const committed = await bench.commit(bench.diff);
    expect(lines(committed)).toEqual(lines(written));
    expect(result(committed)).toEqual(result(written));
  });

  it('says nothing of a root that is as it began, and the root first where it is not', async () => {
    const diff = makeUpper();
    const { uid, gid } = lstatSync(diff);
    const asItIs: RawField[] = helperIds(uid, gid);
    expect(lines(await bench.commit(diff, ['root-mode', '700'], ...asItIs))).toEqual([]);
    chmodSync(diff, 0o1777);
    utimesSync(diff, 9, 9);
    expect(lines(await bench.commit(diff, ['root-mode', '700'], ...asItIs))).toEqual(['. d 1777 0 0 9']);
    const result0 = result(await bench.commit(diff, ['root-mode', '1777'], ['root-xattr', 'user.a=00']));
    expect(result0['entries']).toBe('1');
  });

  it('hashes the listing, and once more without times as the state', async () => {
    const diff = makeUpper();
    writeFileSync(`${diff}/f`, 'x');
    utimesSync(`${diff}/f`, 1, 1);
    const before = await bench.commit(diff, ['root-mode', '700']);
    expect(result(before)['sha256']).toBe(sha256(before.bytes('L')));
    expect(result(before)['state']).toBe(sha256(`f f 644 0 0 - size=1 sha256=${sha256('x')}\n`));
    utimesSync(`${diff}/f`, 2, 2);
    const after = await bench.commit(diff, ['root-mode', '700']);
    expect(result(after)['state']).toBe(result(before)['state']);
    expect(result(after)['sha256']).not.toBe(result(before)['sha256']);
  });

  it('rounds times down to whole seconds', async () => {
    const diff = makeUpper();
    writeFileSync(`${diff}/a`, '');
    writeFileSync(`${diff}/b`, '');
    utimesSync(`${diff}/a`, 5, 5.999);
    execFileSync('touch', ['-d', '@-5.001', `${diff}/b`]);
    const times = lines(await bench.commit(diff, ['root-mode', '700'])).map((line) => line.split(' ')[5]);
    expect(times).toEqual(['5', '-6']);
  });

  it('sets every time to the epoch, on disk too', async () => {
    const diff = makeUpper();
    mkdirSync(`${diff}/d`);
    writeFileSync(`${diff}/d/f`, '');
    linkSync(`${diff}/d/f`, `${diff}/d/g`);
    symlinkSync('x', `${diff}/l`);
    const answer = await bench.commit(diff, ['root-mode', '700'], ['epoch', '77']);
    expect(lines(answer).map((line) => line.split(' ')[5])).toEqual(['77', '77', '77', '77']);
    for (const name of ['', 'd', 'd/f', 'd/g', 'l']) expect(lstatSync(`${diff}/${name}`).mtimeMs, name).toBe(77_000);
  });

  it('never touches an inode that has a name outside', async () => {
    const diff = makeUpper();
    writeFileSync(`${diff}/f`, '');
    linkSync(`${diff}/f`, `${bench.path}outside${count}`);
    linkSync(`${diff}/f`, `${diff}/g`);
    utimesSync(`${diff}/f`, 5, 5);
    const { ctimeMs } = lstatSync(`${diff}/f`);
    const answer = await bench.commit(diff, ['root-mode', '700'], ['epoch', '77']);
    expect(lines(answer).map((line) => line.split(' ').slice(5).join(' '))).toEqual([
      `5 size=0 sha256=${sha256('')}`,
      `5 size=0 sha256=${sha256('')} hard=f`,
    ]);
    expect(lstatSync(`${diff}/f`)).toMatchObject({ mtimeMs: 5000, ctimeMs });
  });

  it('groups hard links within the diff alone', async () => {
    const diff = makeUpper();
    writeFileSync(`${diff}/b`, 'x');
    linkSync(`${diff}/b`, `${bench.path}elsewhere${count}`);
    const alone = lines(await bench.commit(diff, ['root-mode', '700']));
    expect(alone[0]).not.toContain('hard=');
    linkSync(`${diff}/b`, `${diff}/a`);
    symlinkSync('t', `${diff}/l`);
    linkSync(`${diff}/l`, `${diff}/m`);
    const grouped = await bench.commit(diff, ['root-mode', '700']);
    expect(lines(grouped).map((line) => line.split(' ').at(-1))).toEqual([
      `sha256=${sha256('x')}`,
      'hard=a',
      'link=t',
      'hard=l',
    ]);
    expect(result(grouped)['size']).toBe('1');
  });

  it('takes whiteouts that share an inode for what they are', async () => {
    await bench.write([entry(['path', 'a'], ['type', 'whiteout'])]);
    linkSync(`${bench.diff}/a`, `${bench.diff}/b`);
    expect(lines(await bench.commit(bench.diff))).toEqual(['a w', 'b w']);
  });

  it('leaves sockets out', async () => {
    const diff = makeUpper();
    const server = createServer().listen(`${diff}/socket`);
    await new Promise((resolve) => server.once('listening', resolve));
    expect(lines(await bench.commit(diff, ['root-mode', '700']))).toEqual([]);
    server.close();
  });

  it('removes the work directory first, however closed', async () => {
    const diff = makeUpper();
    mkdirSync(`${diff}.work/work`, { recursive: true });
    writeFileSync(`${diff}.work/work/f`, '');
    chmodSync(`${diff}.work/work`, 0);
    result(await bench.commit(diff, ['work', `${diff}.work`], ['root-mode', '700']));
    expect(() => lstatSync(`${diff}.work`)).toThrow(/ENOENT/);
  });

  it('refuses what overlayfs keeps in another layer', async () => {
    for (const name of ['user.overlay.redirect', 'user.overlay.metacopy']) {
      const diff = makeUpper();
      mkdirSync(`${diff}/d`);
      writeFileSync(`${diff}/d/f`, '');
      const path = name.endsWith('redirect') ? `${diff}/d` : `${diff}/d/f`;
      execFileSync('python3', ['-c', 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], b"/x")', path, name]);
      expect(failure(await bench.commit(diff))).toEqual(['walk', 22]);
    }
  });

  it('ignores overlayfs notes, and an opaque mark other than y', async () => {
    const diff = makeUpper();
    mkdirSync(`${diff}/d`);
    utimesSync(`${diff}/d`, 1, 1);
    const set =
      'import os, sys; [os.setxattr(sys.argv[1], n, v) for n, v in ((b"user.overlay.opaque", b"x"), (b"user.overlay.origin", b"z"), (b"user.overlay.impure", b"y"))]';
    execFileSync('python3', ['-c', set, `${diff}/d`]);
    expect(lines(await bench.commit(diff, ['root-mode', '700']))).toEqual(['d d 755 0 0 1']);
  });

  it('fails where there is no diff', async () => {
    expect(failure(await bench.commit('/nonexistent/diff'))).toEqual(['open', 2]);
  });

  it('skips the tar where nobody wants it', async () => {
    expect(result(await bench.commit(makeUpper(), ['tar', '0']))).not.toHaveProperty('diffid');
  });

  it('refuses a path that no program could open whole', async () => {
    const diff = makeUpper();
    const script =
      'import os, sys; os.chdir(sys.argv[1]); [(os.mkdir("d" * 200), os.chdir("d" * 200)) for _ in range(25)]';
    execFileSync('python3', ['-c', script, diff]);
    expect(failure(await bench.commit(diff))).toEqual(['name', 36]);
  });
});

describe.skipIf(lacks('root', 'overlay'))('commit of a real overlay', () => {
  it('lists what changed against the layer below, and nothing else', async () => {
    await bench.write([
      directory('d'),
      ...streamed('d/keep', ''),
      ...streamed('d/change', 'old'),
      ...streamed('d/delete', ''),
      directory('replaced'),
      ...streamed('replaced/f', ''),
    ]);
    const lower = bench.diff;
    const upper = makeUpper();
    const merged = `${upper}.merged`;
    mkdirSync(merged);
    mkdirSync(`${upper}.work`);
    chmodSync(upper, 0o755);
    const script = `
      mount -t overlay overlay -o userxattr,volatile,lowerdir=$1,upperdir=$2,workdir=$2.work $3 &&
      cd $3 && echo new >d/change && rm d/delete && rm -r replaced && mkdir replaced && touch replaced/g &&
      python3 -c 'import os; os.setxattr("d/change", "user.overlay.opaque", b"y"); os.setxattr("d/change", "user.x", b"1")'
      cd / && umount $3`;
    execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', lower, upper, merged]);
    const answer = await bench.commit(upper, ['work', `${upper}.work`], ['epoch', '1']);
    expect(lines(answer)).toEqual([
      'd d 755 0 0 1',
      `d/change f 644 0 0 1 size=4 sha256=${sha256('new\n')} x:user.overlay.opaque=79 x:user.x=31`,
      'd/delete w',
      'replaced d 755 0 0 1 opaque=1',
      `replaced/g f 644 0 0 1 size=0 sha256=${sha256('')}`,
    ]);
  });
});

function makeUpper(): string {
  const diff = `${bench.path}upper${count++}`;
  mkdirSync(diff, { mode: 0o700 });
  return diff;
}

/** This user's ids are 0 to a helper in a namespace of one id. */
function helperIds(uid: number, gid: number): RawField[] {
  return process.geteuid?.() === 0
    ? [
        ['root-uid', String(uid)],
        ['root-gid', String(gid)],
      ]
    : [
        ['root-uid', '0'],
        ['root-gid', '0'],
      ];
}
