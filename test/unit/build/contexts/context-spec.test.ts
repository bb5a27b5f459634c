import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseContext, parseNamedContext, shownContext } from '../../../../src/build/contexts/context-spec.ts';

describe('CONTEXT', () => {
  test.each([
    ['https://example.org/x.git#main:sub', 'git', { host: 'example.org', ref: 'main', subdir: 'sub' }],
    ['http://u:p@example.org:8/x.git?ref=v1&subdir=a', 'git', { protocol: 'http', ref: 'v1', subdir: 'a' }],
    ['git://example.org/x', 'git', { protocol: 'git', remote: 'git://example.org/x' }],
    ['ssh://git@example.org/x#:d', 'git', { protocol: 'ssh', subdir: 'd' }],
    ['git@example.org:a/b.git#v2', 'git', { protocol: 'ssh', ref: 'v2' }],
    ['someone@example.org:a/b', 'git', { protocol: 'ssh' }],
  ])('%s is a repository', (text, kind, source) => {
    expect(parseContext(text, false)).toMatchObject({ kind, source });
  });

  test.each(['https://example.org/x', 'http://example.org/x.tar.gz?a=b', 'https://example.org/x.git/archive.tar'])(
    '%s is to be downloaded',
    (text) => {
      expect(parseContext(text, false)).toEqual({ kind: 'url', text });
    },
  );

  test.each(['.', 'a', '/a/b', 'x.git', 'a@b', './git@example.org:x', 'a:b', '-x', 'example.org/x.git'])(
    '%s is a directory, there or not',
    (text) => {
      expect(parseContext(text, false).kind).toBe('directory');
    },
  );

  test.each([
    ['ftp://example.org/x', 'does not exist'],
    ['s3://bucket/x.tar', 'does not exist'],
    ['HTTP://example.org/x', 'does not exist'],
    ['file:///etc', 'does not exist'],
    ['github.com/a/b', 'does not exist'],
    ['https://example.org/x.git#-x', 'invalid git ref'],
    ['https://example.org/x.git?what=1', 'unexpected query'],
    ['ssh://-oProxyCommand=x/y', 'host is malformed'],
    ['git@example.org:-x', 'path is malformed'],
    ['http://[/x', 'no valid URL'],
  ])('%s is refused: %s', (text, why) => {
    const refusal = expect.objectContaining({
      code: 'TBUILD_CONTEXT',
      message: expect.stringContaining(why) as string,
    });
    expect(() => parseContext(text, false)).toThrow(refusal as Error);
  });

  test('that is refused shows no credentials', () => {
    try {
      parseContext('https://user:secret@example.org/x.git#-x', false);
      expect.unreachable();
    } catch (error) {
      expect(String(error)).not.toContain('secret');
    }
  });

  test.each([
    ['https://user:secret@example.org/x.git#main:sub', 'https://example.org/x.git#main:sub'],
    ['https://user:secret@example.org/x.tar?token=secret#a', 'https://example.org/x.tar'],
    ['-', '-'],
    ['/a/../b', '/b'],
  ])('%s is shown as %s', (text, shown) => {
    expect(shownContext(parseContext(text, false))).toBe(shown);
  });
});

describe('a directory that is called as a URL', () => {
  let directory: string;
  const before = process.cwd();
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tbuild-spec-'));
    mkdirSync(join(directory, 'git@example.org:x'));
    process.chdir(directory);
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(directory, { recursive: true });
  });

  test('is that directory', () => {
    expect(parseContext('git@example.org:x', false)).toMatchObject({ kind: 'directory' });
    expect(parseNamedContext('n', 'git@example.org:x')).toMatchObject({ kind: 'directory' });
  });
});

test('a directory that is misspelled suggests the one beside it', () => {
  const refusal = { code: 'TBUILD_CONTEXT', hint: `Did you mean ${process.cwd()}/docs?` };
  expect(() => parseNamedContext('x', 'dosc')).toThrow(expect.objectContaining(refusal) as Error);
});

describe('--build-context', () => {
  test.each([
    ['docker-image://alpine:3', { kind: 'image', reference: 'alpine:3' }],
    ['oci-layout:///dir:tag', { kind: 'oci-layout', reference: '/dir:tag' }],
    ['/', { kind: 'directory', path: '/' }],
    ['https://example.org/x.tar', { kind: 'url', text: 'https://example.org/x.tar' }],
    ['git@example.org:x', { kind: 'git', source: { remote: 'git@example.org:x' } }],
  ])('x=%s', (source, context) => {
    expect(parseNamedContext('x', source)).toMatchObject(context);
  });

  test.each([
    ['', 'TBUILD_CONTEXT'],
    ['/nowhere', 'TBUILD_CONTEXT'],
    ['/etc/passwd', 'TBUILD_CONTEXT'],
    ['s3://bucket/x', 'TBUILD_CONTEXT'],
    ['\0', 'TBUILD_CONTEXT'],
    ['target:app', 'TBUILD_USAGE'],
  ])('x=%s is refused with %s', (source, code) => {
    expect(() => parseNamedContext('x', source)).toThrow(expect.objectContaining({ code }) as Error);
  });
});

describe('a password in an address that is none', () => {
  test.each([
    'git://us:PW@h/r.git',
    'ssh://us:PW@h/r.git',
    'ftp://us:PW@h/x.tar',
    'https://us:PW@h/r.git#-x',
    'http://us:P@PW@[/x',
    'https//us:PW@h/r',
    'target:us:PW@h',
  ])('is not shown: %s', (text) => {
    for (const parse of [
      () => parseNamedContext('nc', text),
      () => parseNamedContext('nc', `${text}\n`),
      () => parseContext(text, false),
    ]) {
      try {
        parse();
      } catch (error) {
        expect((error as Error).message).not.toContain('PW');
        expect((error as Error).message).toContain('xxxxx');
      }
    }
    expect(() => parseNamedContext('nc', text)).toThrow('xxxxx');
  });
});
