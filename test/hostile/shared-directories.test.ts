import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, openStore } from '../../src/index.ts';
import { plantCanary } from './canary.ts';

const isRoot = process.getuid?.() === 0;
const stranger = 64_981;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tbuild-shared-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a store in a directory that others can reach', () => {
  it('is closed to everybody else, whatever the umask', async () => {
    const root = join(directory, 'store');
    const umask = process.umask(0);
    try {
      await using store = await openStore({ root });
      await store.writeValue('builds', 'x', 1);
      for (const name of ['', ...readdirSync(root)]) expect(statSync(join(root, name)).mode & 0o077, name).toBe(0);
    } finally {
      process.umask(umask);
    }
  });

  it('is refused when everybody may write into it', async () => {
    const root = join(directory, 'store');
    await (await openStore({ root }))[Symbol.asyncDispose]();
    chmodSync(root, 0o777);
    await expect(openStore({ root })).rejects.toMatchObject({ code: 'TBUILD_USAGE' });
    const fresh = join(directory, 'fresh');
    mkdirSync(fresh);
    chmodSync(fresh, 0o1777);
    await expect(openStore({ root: fresh })).rejects.toMatchObject({ code: 'TBUILD_USAGE' });
    expect(readdirSync(fresh)).toEqual([]);
  });

  it.runIf(isRoot)('is refused when it belongs to somebody else, made before or not', async () => {
    const root = join(directory, 'store');
    await (await openStore({ root }))[Symbol.asyncDispose]();
    chownSync(root, stranger, stranger);
    const refusal = { code: 'TBUILD_USAGE', message: expect.stringContaining(String(stranger)) as string };
    await expect(openStore({ root })).rejects.toMatchObject(refusal);
    const fresh = join(directory, 'fresh');
    mkdirSync(fresh);
    chownSync(fresh, stranger, stranger);
    await expect(openStore({ root: fresh })).rejects.toMatchObject(refusal);
    expect(readdirSync(fresh)).toEqual([]);
  });

  it('does not follow symlinks in the place of its lock and version files', async () => {
    using canary = plantCanary();
    const root = join(directory, 'store');
    await (await openStore({ root }))[Symbol.asyncDispose]();
    rmSync(join(root, 'gc.lock'));
    symlinkSync(join(canary.directory, 'file'), join(root, 'gc.lock'));
    {
      await using store = await openStore({ root });
      await expect(store.lease(['0'.repeat(64)])).rejects.toMatchObject({ code: 'TBUILD_IO' });
    }
    rmSync(join(root, 'version'));
    symlinkSync(join(canary.directory, 'file'), join(root, 'version'));
    await expect(openStore({ root })).rejects.toMatchObject({ code: 'TBUILD_IO' });
    canary.expectUntouched();
  });
});

describe('an output in a directory that others can reach', () => {
  const buildTo = async (destination: string): Promise<void> => {
    writeFileSync(join(directory, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
    const outputs = [{ type: 'tar', destination } as const];
    await build({ context: directory, storeRoot: join(directory, 'store'), outputs }).result;
  };

  it('is not written through a symlink that waits under a name that can be guessed', async () => {
    using canary = plantCanary();
    const destination = join(directory, 'out.tar');
    for (const suffix of [`.${process.pid}.partial`, '.partial', '.tmp', `.${process.pid}`]) {
      symlinkSync(join(canary.directory, 'file'), `${destination}${suffix}`);
    }
    symlinkSync(join(canary.directory, 'file'), destination);
    await buildTo(destination);
    canary.expectUntouched();
    expect(lstatSync(destination).isFile()).toBe(true);
  });

  it('that is a fifo stays one, and gets the archive', async () => {
    const destination = join(directory, 'fifo');
    execFileSync('mkfifo', [destination]);
    const copy = join(directory, 'copy');
    const { spawn } = await import('node:child_process');
    const reader = spawn('sh', ['-c', 'cat "$1" > "$2"', 'sh', destination, copy]);
    const ended = new Promise((resolve) => reader.once('close', resolve));
    await buildTo(destination);
    await ended;
    expect(lstatSync(destination).isFIFO()).toBe(true);
    expect(readFileSync(copy).subarray(0, 10).toString()).toBe('Dockerfile');
  });

  it('that is a directory is refused and left alone', async () => {
    const destination = join(directory, 'there');
    mkdirSync(destination);
    await expect(buildTo(destination)).rejects.toMatchObject({ code: 'TBUILD_OUTPUT' });
    expect(existsSync(destination) && readdirSync(destination)).toEqual([]);
  });
});
