import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDiffBench, result } from './diff-bench.ts';
import type { DiffBench } from './diff-bench.ts';
import { encode, endOfInput, entry } from './raw-client.ts';

let bench: DiffBench;
beforeAll(() => void (bench = openDiffBench()));
afterAll(() => bench[Symbol.asyncDispose](), 60_000);

describe('an operation that is cut short', () => {
  it('has stopped writing when its stream ends, soon after its peer shut down the sending side', async () => {
    const source = bench.makeSource({});
    writeFileSync(`${source}/huge`, '');
    truncateSync(`${source}/huge`, 64 * 2 ** 30);
    const diff = `${bench.path}huge`;
    const operation = bench.helper.open();
    operation.send(
      'R',
      encode([
        ['op', 'write'],
        ['diff', diff],
        ['source', source],
      ]),
    );
    const file = entry(
      ['path', 'huge'],
      ['type', 'file'],
      ['mode', '644'],
      ['uid', '0'],
      ['gid', '0'],
      ['from', '0'],
      ['source-path', 'huge'],
    );
    for (const { type, payload } of [file, endOfInput]) operation.send(type, payload);
    while (!existsSync(`${diff}/huge`) || statSync(`${diff}/huge`).size === 0) await delay(2);
    operation.socket.end();
    expect((await operation.answer()).last).toBeUndefined();
    const { size } = statSync(`${diff}/huge`);
    await delay(50);
    expect(statSync(`${diff}/huge`).size).toBe(size);
  });
});

describe('remove', () => {
  it('takes a tree into which somebody who is about to die still writes', async () => {
    const root = bench.makeSource({});
    const script = `
      const { mkdirSync, writeFileSync } = require('node:fs');
      const end = Date.now() + 250;
      for (let n = 0; Date.now() < end; n++) {
        try { mkdirSync(process.argv[1] + '/d' + n % 7, { recursive: true }); writeFileSync(process.argv[1] + '/d' + n % 7 + '/f' + n, 'x'); } catch {}
        if (n === 10) process.stdout.write('x');
      }
    `;
    const writer = spawn(process.execPath, ['--eval', script, `${root}/sub`], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(writer.stdout, 'data');
    const ended = once(writer, 'close');
    // Its last files may come behind a removal that succeeded: the next one finds them.
    do {
      result(
        await bench.helper.call([
          ['op', 'remove'],
          ['path', root],
        ]),
      );
    } while (writer.exitCode === null);
    await ended;
    result(
      await bench.helper.call([
        ['op', 'remove'],
        ['path', root],
      ]),
    );
    expect(existsSync(root)).toBe(false);
  });
});
