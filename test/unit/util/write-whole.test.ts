import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeWhole } from '../../../src/util/write-whole.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tbuild-write-whole-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (content: string) => (destination: Writable) => pipeline(Readable.from([content]), destination);

describe('a file that is written whole', () => {
  test('appears when it is complete, in place of an old one', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, 'old');
    await writeWhole(path, async (destination) => {
      expect(readFileSync(path, 'utf8')).toBe('old');
      await write('new')(destination);
    });
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(directory)).toEqual(['file']);
  });

  test('leaves nothing behind when the writing fails, whatever it was at', async () => {
    const failing = writeWhole(join(directory, 'file'), async (destination) => {
      destination.write('some');
      throw new Error('enough');
    });
    await expect(failing).rejects.toMatchObject({
      code: 'TBUILD_OUTPUT',
      message: expect.stringContaining('enough') as string,
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('says that it cannot be, also when nothing is written for a while', async () => {
    const path = join(directory, 'none/file');
    const writing = writeWhole(path, async (destination) => {
      await delay(50);
      await write('late')(destination);
    });
    await expect(writing).rejects.toMatchObject({ code: 'TBUILD_OUTPUT' });
  });

  test('takes the place of a link, and does not follow it', async () => {
    writeFileSync(join(directory, 'other'), 'other');
    symlinkSync('other', join(directory, 'file'));
    await writeWhole(join(directory, 'file'), write('new'));
    expect(readFileSync(join(directory, 'other'), 'utf8')).toBe('other');
  });

  test('is written through where it is a pipe or a device', async () => {
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    const { createReadStream } = await import('node:fs');
    const reading = text(createReadStream(path));
    await writeWhole(path, write('through'));
    expect(await reading).toBe('through');
    await writeWhole('/dev/null', write('away'));
    expect(readdirSync(directory)).toEqual(['fifo']);
  });
});
