import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkContext, parseKept, readDockerfile } from '../../../src/build/load-dockerfile.ts';
import type { ParsedDockerfile } from '../../../src/build/load-dockerfile.ts';
import type { Store } from '../../../src/store/types.ts';
import { tempStore } from '../../helpers/temp-store.ts';
import type { TempStore } from '../../helpers/temp-store.ts';

let directory: string;
let stores: TempStore;
let store: Store;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tbuild-load-'));
  stores = tempStore();
  store = await stores.open();
});
afterEach(async () => {
  await stores[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

async function loadFrom(
  context: string,
  dockerfile?: string,
  buildArgs: Readonly<Record<string, string>> = {},
): Promise<ParsedDockerfile & { readonly path: string }> {
  checkContext(context);
  const read = readDockerfile({ context, dockerfile });
  return { path: read.path, ...(await parseKept(store, read, buildArgs)) };
}

const load = (dockerfile?: string): ReturnType<typeof loadFrom> => loadFrom(directory, dockerfile);

describe('loading a Dockerfile', () => {
  test('of a context that is not there suggests the directory beside it', async () => {
    mkdirSync(join(directory, 'application'));
    await expect(loadFrom(join(directory, 'aplication'))).rejects.toMatchObject({
      code: 'TBUILD_CONTEXT',
      hint: `Did you mean ${join(directory, 'application')}?`,
    });
  });

  test('takes Dockerfile, else dockerfile, of the context', async () => {
    writeFileSync(join(directory, 'dockerfile'), 'FROM lower\n');
    expect((await load()).path).toBe(join(directory, 'dockerfile'));
    writeFileSync(join(directory, 'Dockerfile'), 'FROM upper\n');
    const { dockerfile, path } = await load();
    expect(path).toBe(join(directory, 'Dockerfile'));
    expect(dockerfile.stages[0]?.image).toBe('upper');
  });

  test('keeps the parsed form, which is the same when read again, under bytes and path', async () => {
    const path = join(directory, 'Dockerfile');
    writeFileSync(path, 'FROM a\nENV X=1\n');
    const first = await load();
    expect(readdirSync(join(store.root, 'dockerfiles'))).toHaveLength(1);
    expect(await load()).toEqual(first);
    writeFileSync(path, 'FROM b\n');
    expect((await load()).dockerfile.stages[0]?.image).toBe('b');
    expect(readdirSync(join(store.root, 'dockerfiles'))).toHaveLength(2);
  });

  test('does not keep what does not parse', async () => {
    writeFileSync(join(directory, 'Dockerfile'), 'FRMO a\n');
    await expect(load()).rejects.toMatchObject({ code: 'TBUILD_DOCKERFILE_SYNTAX', span: { line: 1 } });
  });

  test('asks the build argument BUILDKIT_SYNTAX what reads it before the file itself', async () => {
    writeFileSync(join(directory, 'Dockerfile'), '# syntax=example.com/frontend\nFROM a\n');
    const withArgument = (frontend: string): ReturnType<typeof load> =>
      loadFrom(directory, undefined, { BUILDKIT_SYNTAX: frontend });
    const unsupported = { code: 'TBUILD_UNSUPPORTED' };
    await expect(withArgument('')).rejects.toMatchObject(unsupported);
    expect((await withArgument('docker/dockerfile:1.7')).dockerfile.stages[0]?.image).toBe('a');
    // What was read so is not what the file says by itself.
    await expect(load()).rejects.toMatchObject(unsupported);
    writeFileSync(join(directory, 'Dockerfile'), 'FROM a\n');
    await expect(withArgument('example.com/frontend')).rejects.toMatchObject({ ...unsupported, span: undefined });
  });

  test('keeps bytes that are not UTF-8 where they mean something', async () => {
    const bytes = Buffer.from('FROM a\n# \xe9\nLABEL l=\xe9\nCOPY <<"h" /h\n\xe9\nh\n', 'latin1');
    writeFileSync(join(directory, 'Dockerfile'), bytes);
    const expected = [{ pairs: [{ key: 'l', value: '\ufffd' }] }, { inlineFiles: [{ content: '\udce9\n' }] }];
    expect((await load()).dockerfile.stages[0]?.instructions).toMatchObject(expected);
    expect((await load()).dockerfile.stages[0]?.instructions).toMatchObject(expected);
    for (const run of ['RUN \xe9\n', 'RUN <<e\n\xe9\ne\n']) {
      writeFileSync(join(directory, 'Dockerfile'), Buffer.from(`FROM a\n${run}`, 'latin1'));
      await expect(load()).rejects.toMatchObject({ message: 'RUN holds bytes that are not UTF-8', span: { line: 2 } });
    }
  });

  test('follows a link that stays in the context, and none that leaves it', async () => {
    mkdirSync(join(directory, 'context'));
    writeFileSync(join(directory, 'context/real'), 'FROM inside\n');
    symlinkSync('real', join(directory, 'context/Dockerfile'));
    expect((await loadFrom(join(directory, 'context'))).dockerfile.stages[0]?.image).toBe('inside');
    writeFileSync(join(directory, 'secret'), 'FROM outside\n');
    rmSync(join(directory, 'context/Dockerfile'));
    symlinkSync('../secret', join(directory, 'context/Dockerfile'));
    await expect(loadFrom(join(directory, 'context'))).rejects.toMatchObject({
      code: 'TBUILD_DOCKERFILE_NOT_FOUND',
      message: expect.stringContaining('leads out of the build context') as string,
      hint: expect.stringContaining('-f ') as string,
    });
  });

  test('does not wait for a fifo, nor take a directory', async () => {
    execFileSync('mkfifo', [join(directory, 'Dockerfile')]);
    await expect(load()).rejects.toMatchObject({ message: expect.stringContaining('not a regular file') as string });
    rmSync(join(directory, 'Dockerfile'));
    mkdirSync(join(directory, 'Dockerfile'));
    await expect(load()).rejects.toMatchObject({ code: 'TBUILD_DOCKERFILE_NOT_FOUND' });
  });

  test('refuses what is far too large to be one without reading it all', async () => {
    writeFileSync(join(directory, 'Dockerfile'), '');
    truncateSync(join(directory, 'Dockerfile'), 20 * 1024 * 1024);
    await expect(load()).rejects.toThrow('that is no Dockerfile');
  });

  test('says which one is missing, and that the context is', async () => {
    await expect(load()).rejects.toMatchObject({ message: `there is no ${directory}/Dockerfile` });
    await expect(load(join(directory, 'other'))).rejects.toMatchObject({ message: `there is no ${directory}/other` });
    writeFileSync(join(directory, 'file'), 'FROM x\n');
    await expect(loadFrom(join(directory, 'none'), join(directory, 'file'))).rejects.toMatchObject({
      code: 'TBUILD_CONTEXT',
    });
    await expect(loadFrom(join(directory, 'file'))).rejects.toThrow('is not a directory');
  });
});
