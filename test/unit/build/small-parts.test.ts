import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createTail } from '../../../src/build/output-tail.ts';
import { parseOutput } from '../../../src/build/outputs.ts';
import { createSemaphore } from '../../../src/build/semaphore.ts';
import { unusedBuildArgs } from '../../../src/build/unused-args.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';

const stdout = new PassThrough();

describe('--output', () => {
  test.each([
    ['-', { type: 'tar', destination: stdout }],
    ['type=tar', { type: 'tar', destination: stdout }],
    ['type=oci,dest=-', { type: 'oci', destination: stdout }],
    ['/out', { type: 'local', destination: '/out' }],
    ['dest=/a=b.tar,type=oci', { type: 'oci', destination: '/a=b.tar' }],
    ['type=docker', { type: 'docker', destination: undefined }],
    ['type=docker,dest=-', { type: 'docker', destination: stdout }],
    ['type=docker,dest=/app.tar', { type: 'docker', destination: '/app.tar' }],
    ['type=local,dest=out', { type: 'local', destination: `${process.cwd()}/out` }],
  ])('%s', (text, output) => {
    expect(parseOutput(text, stdout)).toEqual(output);
  });

  test.each([
    ['type=dockr,dest=x', 'type must be oci, docker, tar or local'],
    ['dest=x', 'type must be oci, docker, tar or local'],
    ['type=docker,dest=', 'dest= is missing'],
    ['name=x,type=image,push=true', 'pushing is not supported yet'],
    ['type=image', 'pushing is not supported yet'],
    ['type=registry', 'pushing is not supported yet'],
    ['type=oci,dest=', 'dest= is missing'],
    ['type=local', 'dest= is missing'],
    ['type=local,dest=-', 'a directory cannot be written to standard output'],
    ['type=oci,compression=zstd', '"compression=zstd" is not known'],
    ['type=oci,type=tar', 'type= is there twice'],
    ['type=oci,x', '"x" is not known'],
  ])('%s is refused: %s', (text, why) => {
    expect(() => parseOutput(text, stdout)).toThrow(why);
  });
});

describe('the semaphore', () => {
  test('lets as many run as there are places, the others in the order in which they came, whether or not one fails', async () => {
    const limit = createSemaphore(2);
    const order: string[] = [];
    let running = 0;
    let most = 0;
    const body = (name: string, fails: boolean) => async (): Promise<string> => {
      most = Math.max(most, ++running);
      order.push(name);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running--;
      if (fails) throw new Error(name);
      return name;
    };
    const results = await Promise.allSettled(
      ['a', 'b', 'c', 'd', 'e'].map((name, index) => limit(body(name, index % 2 === 0))),
    );
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(most).toBe(2);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected']);
    expect(await limit(() => Promise.resolve('free again'))).toBe('free again');
  });
});

describe('the tail of an output', () => {
  const tailOf = (...chunks: string[]): string => {
    const tail = createTail();
    for (const chunk of chunks) tail.add(Buffer.from(chunk));
    return tail.text();
  };

  test('is all of a short one, without the last newline', () => {
    expect(tailOf('a\n', 'b', 'c\n')).toBe('a\nbc');
    expect(tailOf()).toBe('');
  });

  test('is the last 20 lines, whether or not the last has ended', () => {
    const lines = Array.from({ length: 30 }, (_, index) => String(index));
    expect(tailOf(lines.join('\n')).split('\n')).toEqual(lines.slice(10));
    expect(tailOf(`${lines.join('\n')}\n`).split('\n')).toEqual(lines.slice(10));
  });

  test('holds 4 KiB at most and begins with a whole line, if there is one', () => {
    const text = tailOf(`${'é'.repeat(3000)}\n`, 'whole\n');
    expect(text).toBe('whole');
    expect(tailOf('x'.repeat(10_000))).toBe('x'.repeat(4096));
  });
});

describe('unused build arguments', () => {
  const dockerfile = parseDockerfile('ARG VERSION\nFROM scratch\nARG NAME=1\n', 'Dockerfile');
  const unused = (...names: string[]): readonly string[] =>
    unusedBuildArgs(dockerfile, Object.fromEntries(names.map((name) => [name, ''])));

  test('are those that no ARG declares, before or behind FROM', () => {
    expect(unused('VERSION', 'NAME', 'NAMES')).toEqual(['NAMES (did you mean NAME?)']);
  });

  test('are not those that mean something by themselves', () => {
    expect(unused('HTTP_PROXY', 'no_proxy', 'SOURCE_DATE_EPOCH', 'TARGETARCH', 'BUILDKIT_SYNTAX')).toEqual([]);
  });

  test('are also those of BuildKit that do nothing here', () => {
    expect(unused('BUILDKIT_INLINE_CACHE')).toEqual(['BUILDKIT_INLINE_CACHE']);
  });

  test('may begin like a predefined one', () => {
    expect(unused('BUILD_VERSION', 'TARGET_ENV')).toEqual(['BUILD_VERSION', 'TARGET_ENV']);
  });
});
