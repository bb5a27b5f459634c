import { lstatSync, mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { failure, lines, openDiffBench, result } from './diff-bench.ts';
import { directory, streamed } from './frames.ts';
import { entry, mappedArguments } from './raw-client.ts';
import { sha256 } from './workspace.ts';

describe.skipIf(lacks('ordinary-user', 'user-namespaces', 'id-ranges'))('a helper with the id ranges of a user', () => {
  it('gives every owner of an image, and lists them as the image knows them', async () => {
    await using bench = openDiffBench(mappedArguments());
    const capability = '0100000200040000000000000000000000000000';
    const written = await bench.write([
      directory('www', ['uid', '33'], ['gid', '34'], ['mode', '2750'], ['mtime', '1']),
      ...streamed(
        'www/f',
        'x',
        ['uid', '1'],
        ['mode', '4755'],
        ['mtime', '2'],
        ['xattr', `security.capability=${capability}`],
      ),
      entry(['path', 'gone'], ['type', 'whiteout']),
    ]);
    expect(lines(written)).toEqual([
      'gone w',
      'www d 2750 33 34 1',
      `www/f f 4755 1 0 2 size=1 sha256=${sha256('x')} x:security.capability=${capability}`,
    ]);
    expect(lstatSync(`${bench.diff}/www`).uid).toBeGreaterThan(65_535);
    expect(lstatSync(bench.diff).uid).toBe(process.getuid?.());
    expect(result(await bench.commit(bench.diff))).toEqual(result(written));
    const destination = `${bench.path}out`;
    mkdirSync(destination);
    const exported = await bench.helper.call([
      ['op', 'export'],
      ['layer', bench.diff],
      ['destination', destination],
    ]);
    expect(result(exported)).toEqual({ 'not-set': '0', size: '1' });
    const paths = [bench.diff, destination].map((path) => ['path', path] as const);
    result(await bench.helper.call([['op', 'remove'], ...paths]));
  });

  it('refuses an owner beyond the ranges as the step chown', async () => {
    await using bench = openDiffBench(mappedArguments());
    expect(failure(await bench.write([directory('d', ['gid', '4000000'])]))).toEqual(['chown', 22]);
  });
});
