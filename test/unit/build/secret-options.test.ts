import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseSecrets, parseSsh } from '../../../src/build/secret-options.ts';
import { resolveOptions } from '../../../src/build/options.ts';
import type { Entitlement } from '../../../src/build/entitlements.ts';

// What is accepted, what it means and what is refused was asked of `docker build`.
const directory = mkdtempSync(join(tmpdir(), 'tbuild-secret-options-'));
const inside = (name: string): string => join(directory, name);
const [token, other, comma] = [inside('token'), inside('other'), inside('a,b')];
const [socket, second] = [inside('agent'), inside('second')];
const servers = [createServer(), createServer()];

beforeAll(async () => {
  for (const path of [token, other, comma]) writeFileSync(path, 'x');
  writeFileSync(inside('most'), Buffer.alloc(500 * 1024));
  writeFileSync(inside('too-big'), Buffer.alloc(500 * 1024 + 1));
  mkdirSync(inside('directory'));
  for (const [index, path] of [socket, second].entries()) {
    await new Promise<void>((resolve) => void servers[index]?.listen(path, resolve));
  }
});
afterAll(async () => {
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});
afterEach(() => vi.unstubAllEnvs());

const refusal = (message: string): Error =>
  expect.objectContaining({ code: 'TBUILD_USAGE', message: expect.stringContaining(message) as string }) as Error;

describe('--secret', () => {
  test.each([
    [`id=x,src=${token}`, { file: token }],
    [`id=x,source=${token}`, { file: token }],
    [`ID=x,SRC=${token}`, { file: token }],
    [`src=${token},id=x`, { file: token }],
    [`id=x,src=${relative(process.cwd(), token)}`, { file: token }],
    [`id=x,type=file,src=${token}`, { file: token }],
    [`id=x,src=${other},src=${token}`, { file: token }],
    [`"id=x","src=${comma}"`, { file: comma }],
    [`id=x,"src=${comma}"`, { file: comma }],
    [`id=x,src=${inside('most')}`, { file: inside('most') }],
    ['id=x,env=SET', { env: 'SET' }],
    ['id=x,env=UNSET', { env: 'UNSET' }],
    ['id=x,type=env,env=SET', { env: 'SET' }],
    ['id=x,type=env,src=SET', { env: 'SET' }],
    ['id=x,type=file,env=SET', { env: 'SET' }],
    [`id=x,src=${token},env=SET`, { env: 'SET' }],
    ['id=x,src=/dev/null', { file: '/dev/null' }],
  ])('%s', (text, source) => {
    vi.stubEnv('SET', 'value');
    vi.stubEnv('UNSET', undefined);
    expect(parseSecrets([text])).toEqual({ x: source });
  });

  test('without a source is the variable of its name, or else the file', () => {
    vi.stubEnv('SET', 'value');
    vi.stubEnv('EMPTY', '');
    expect(parseSecrets(['id=SET'])).toEqual({ SET: { env: 'SET' } });
    expect(parseSecrets(['id=EMPTY', 'id=SET,src='])).toEqual({ EMPTY: { env: 'EMPTY' }, SET: { env: 'SET' } });
    expect(parseSecrets([`id=${token}`])).toEqual({ [token]: { file: token } });
    expect(parseSecrets([`id=${token},type=env`])).toEqual({ [token]: { file: token } });
    vi.stubEnv(token, 'a variable of that name');
    expect(parseSecrets([`id=${token},type=file`])).toEqual({ [token]: { file: token } });
    expect(() => parseSecrets(['id=tbuild-nothing'])).toThrow(refusal('failed to stat'));
  });

  test('may be given often: the last of an id counts, and an empty one says nothing', () => {
    expect(parseSecrets([`id=x,src=${token}`, '', `id=y,src=${token}`, `id=x,src=${other}`])).toEqual({
      x: { file: other },
      y: { file: token },
    });
    expect(parseSecrets([])).toEqual({});
    expect(Object.hasOwn(parseSecrets([`id=__proto__,src=${token}`]), '__proto__')).toBe(true);
  });

  test.each([
    ['x', "invalid field 'x' must be a key=value pair"],
    ['id=x,src', "invalid field 'src' must be a key=value pair"],
    ['id=x,foo=bar', "unexpected key 'foo' in 'foo=bar'"],
    ['id=x, src=o', "unexpected key ' src' in ' src=o'"],
    ['id=x,type=foo', 'unsupported secret type "foo"'],
    ['id=x,type=', 'unsupported secret type ""'],
    [`type=file,src=${token}`, 'secret missing ID'],
    [`id=,src=${token}`, 'secret missing ID'],
    ['id=x,src=a"b', 'parse error on line 1, column 11: bare " in non-quoted-field'],
    [`id=x,src=${inside('missing')}`, `failed to stat ${inside('missing')}: ENOENT`],
    [`id=x,src=${inside('too-big')}`, 'secret x too big. max size 500KiB'],
  ])('%s is refused: %s', (text, message) => {
    expect(() => parseSecrets([text])).toThrow(refusal(message));
  });
});

describe('--ssh', () => {
  const key = token;
  test.each([
    ['default', 'default', { socket: '/of/the/user' }],
    ['default=', 'default', { socket: '/of/the/user' }],
    ['other', 'other', { socket: '/of/the/user' }],
    [`default=${socket}`, 'default', { socket }],
    [`=${socket}`, 'default', { socket }],
    [`id.with-signs=${socket}`, 'id.with-signs', { socket }],
    [`default=${relative(process.cwd(), socket)}`, 'default', { socket }],
    [`default=${key}`, 'default', { keys: [key] }],
    [`default=${key},${other}`, 'default', { keys: [key, other] }],
    [`default=${key},`, 'default', { keys: [key] }],
  ])('%s', (text, id, source) => {
    vi.stubEnv('SSH_AUTH_SOCK', '/of/the/user');
    expect(parseSsh([text])).toEqual({ [id]: source });
  });

  test('may be given often: the last of an id counts, and an empty one says nothing', () => {
    expect(parseSsh([`default=${socket}`, '', `other=${key}`, `default=${second}`])).toEqual({
      default: { socket: second },
      other: { keys: [key] },
    });
  });

  test.each([
    ['default', 'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set'],
    ['default=', 'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set'],
    [`default=${socket},${second}`, 'only single socket allowed'],
    [`default=${socket},${key}`, 'only single socket allowed'],
    [`default=${inside('missing')}`, `${inside('missing')} cannot be used: ENOENT`],
    [`default=raw=true,${socket}`, 'raw=true is not supported: an agent is all that is passed on'],
  ])('%s is refused: %s', (text, message) => {
    vi.stubEnv('SSH_AUTH_SOCK', undefined);
    expect(() => parseSsh([text])).toThrow(refusal(message));
  });
});

describe('--allow', () => {
  const allowed = (...allow: readonly string[]): readonly Entitlement[] =>
    resolveOptions({ context: '/c', allow: allow as Entitlement[] }, 1).allow;

  test('takes what docker calls an entitlement', () => {
    expect(allowed()).toEqual([]);
    expect(allowed('network.host', 'security.insecure')).toEqual(['network.host', 'security.insecure']);
  });

  test.each([
    'NETWORK.HOST',
    'network.host ',
    '"network.host"',
    'network.host=x',
    'network',
    'insecure',
    'device',
    '',
    '*',
    'toString',
  ])('%j is refused', (name) => {
    expect(() => allowed(name)).toThrow(refusal('entitlement'));
  });
});
