import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { staticBaseImage } from '../../../src/demo/base-image.ts';
import { writeTar } from '../../../src/demo/tar-writer.ts';
import { build, importImage, runImage } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tbuild-demo-test-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe.skipIf(lacks('user-namespaces'))('the demo', () => {
  test('builds, runs, builds again from the cache, and leaves nothing behind', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'dist/demo.js')], {
      env: { ...process.env, TMPDIR: directory },
    });
    expect(stdout).toContain('each of them ran in the sandbox');
    expect(stdout).toContain('Hello from an image that tbuild made.');
    expect(stdout).toContain('All 6 steps came from the cache.');
    expect(await readdir(directory)).toEqual([]);
  });

  test('builds fixtures/hello on the static program, too, for machines whose own programs do not serve', async () => {
    const program = join(root, 'addon/build/init');
    const applets = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n');
    const { entries } = staticBaseImage(await readFile(program), applets);
    const storeRoot = join(directory, 'store');
    const source = Readable.from(writeTar(entries));
    await importImage({ source, origin: 'test', name: 'demo-base', changes: ['ENV PATH=/bin'], storeRoot });
    await build({ context: join(root, 'fixtures/hello'), tags: ['hello'], storeRoot }).result;
    let output = '';
    const { exitCode } = await runImage({
      image: 'hello',
      remove: true,
      storeRoot,
      onOutput: (_stream, chunk) => {
        output += Buffer.from(chunk).toString('utf8');
      },
    });
    expect(output).toMatch(/^Hello from an image that tbuild made\.\n/);
    expect(output).toContain('built-on\ngreet.sh\nroot-directory\n');
    expect(exitCode).toBe(0);
  });
});
