import { afterEach, describe, expect, test, vi } from 'vitest';
import { resolveOptions } from '../../../src/build/options.ts';
import type { BuildOptions } from '../../../src/build/options.ts';

const resolve = (options: Partial<BuildOptions>): ReturnType<typeof resolveOptions> =>
  resolveOptions({ context: '/c', ...options }, 3);

afterEach(() => vi.unstubAllEnvs());

describe('options of a build', () => {
  test('have defaults for everything but the context', () => {
    vi.stubEnv('SOURCE_DATE_EPOCH', undefined);
    expect(resolve({})).toMatchObject({
      context: { kind: 'directory', path: '/c' },
      contextName: '/c',
      tags: [],
      buildArgs: {},
      noCache: false,
      network: 'default',
      secrets: {},
      ssh: {},
      allow: [],
      outputs: [],
      epoch: undefined,
      userns: 'auto',
      concurrency: 12,
    });
  });

  test('take the context as a path, or as a file URL with escapes', () => {
    expect(resolve({ context: 'a/../b' }).contextName).toBe(`${process.cwd()}/b`);
    expect(resolve({ context: new URL('file:///with%20blank/x') }).contextName).toBe('/with blank/x');
  });

  test('take - as standard input, for the context or for the Dockerfile', () => {
    expect(resolve({ context: '-' }).context).toEqual({ kind: 'stdin' });
    expect(resolve({ context: './-' }).context).toEqual({ kind: 'directory', path: `${process.cwd()}/-` });
    expect(resolve({ context: '.', dockerfile: '-' }).dockerfile).toBe('-');
    const both = expect.objectContaining({ code: 'TBUILD_USAGE' }) as Error;
    expect(() => resolve({ context: '-', dockerfile: '-' })).toThrow(both);
  });

  test('keep .git of a repository when BUILDKIT_CONTEXT_KEEP_GIT_DIR says so, and its URL nothing else', () => {
    const keeps = (value: string, query = ''): unknown =>
      resolve({
        context: `https://example.org/x.git${query}`,
        buildArgs: { BUILDKIT_CONTEXT_KEEP_GIT_DIR: value },
      }).context;
    expect(keeps('1')).toMatchObject({ source: { keepGitDir: true } });
    for (const value of ['', '0', 'yes']) expect(keeps(value)).toMatchObject({ source: { keepGitDir: false } });
    expect(keeps('true', '?keep-git-dir=0')).toMatchObject({ source: { keepGitDir: false } });
  });

  test('refuse what is no context', () => {
    expect(() => resolve({ context: '' })).toThrow(expect.objectContaining({ code: 'TBUILD_USAGE' }));
    expect(() => resolve({ context: 7 as unknown as string })).toThrow(TypeError);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuse the concurrency %d', (concurrency) => {
    expect(() => resolve({ concurrency })).toThrow(TypeError);
  });

  test('take the name of the machine from BUILDKIT_SANDBOX_HOSTNAME', () => {
    const hostname = (name: string): string | undefined =>
      resolve({ buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: name } }).hostname;
    expect(hostname('builder-1.example')).toBe('builder-1.example');
    expect(hostname('')).toBeUndefined();
    for (const name of ['a b', 'a\nb', 'x'.repeat(65)]) {
      expect(() => hostname(name)).toThrow(expect.objectContaining({ code: 'TBUILD_USAGE' }));
    }
  });

  test.each([-1, 0.5, Number.NaN])('refuse the sourceDateEpoch %d', (sourceDateEpoch) => {
    expect(() => resolve({ sourceDateEpoch })).toThrow(TypeError);
  });

  test('take the epoch from the option, else the build argument, else the environment', () => {
    vi.stubEnv('SOURCE_DATE_EPOCH', '3');
    const buildArgs = { SOURCE_DATE_EPOCH: '2' };
    expect(resolve({ sourceDateEpoch: 0, buildArgs }).epoch).toBe(0);
    expect(resolve({ buildArgs }).epoch).toBe(2);
    expect(resolve({}).epoch).toBe(3);
    expect(() => resolve({ buildArgs: { SOURCE_DATE_EPOCH: '1e3' } })).toThrow(/number of seconds, not "1e3"/);
  });
});
