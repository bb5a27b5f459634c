import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseGitUrl, shownGitSource } from '../../../src/git/git-url.ts';
import type { GitSource } from '../../../src/git/git-source.ts';

const plain = {
  protocol: 'https',
  host: 'h',
  credentials: undefined,
  ref: undefined,
  subdir: '',
  checksum: undefined,
  keepGitDir: undefined,
  submodules: true,
  mtime: 'checkout',
  fetchByCommit: false,
} as const;
const commit = '0123456789abcdef0123456789abcdef01234567';

test.each<[string, Partial<GitSource>]>([
  ['https://h/a/b.git', { remote: 'https://h/a/b.git' }],
  ['HTTPS://h/b.git', { remote: 'https://h/b.git' }],
  ['http://h:8080/b.git', { remote: 'http://h:8080/b.git', protocol: 'http', host: 'h:8080' }],
  ['https://[::1]:8/b.git', { remote: 'https://[::1]:8/b.git', host: '[::1]:8' }],
  ['git://h/b', { remote: 'git://h/b', protocol: 'git' }],
  ['ssh://git@h:22/b.git', { remote: 'ssh://git@h:22/b.git', protocol: 'ssh', host: 'h:22' }],
  ['git@h:a/b.git', { remote: 'git@h:a/b.git', protocol: 'ssh' }],
  ['user-1@h.x:b', { remote: 'user-1@h.x:b', protocol: 'ssh', host: 'h.x' }],
  ['https://u:p%40@h/b.git', { remote: 'https://h/b.git', credentials: { username: 'u', password: 'p@' } }],
  ['https://tok@h/b.git', { remote: 'https://h/b.git', credentials: { username: 'tok', password: '' } }],
  ['https://h/b.git#dev', { ref: 'dev' }],
  ['https://h/b.git#', {}],
  ['https://h/b.git#dev:sub/dir/', { ref: 'dev', subdir: 'sub/dir' }],
  ['https://h/b.git#:/sub', { subdir: 'sub' }],
  ['https://h/b.git#dev:../../x/./y', { ref: 'dev', subdir: 'x/y' }],
  ['https://h/b.git#refs/pull/1/head', { ref: 'refs/pull/1/head' }],
  ['git@h:b.git#v1:s', { remote: 'git@h:b.git', protocol: 'ssh', ref: 'v1', subdir: 's' }],
  ['git@h:b.git?tag=v1', { remote: 'git@h:b.git', protocol: 'ssh', ref: 'refs/tags/v1' }],
  ['https://h/b.git?ref=dev', { ref: 'dev' }],
  ['https://h/b.git?branch=dev', { ref: 'refs/heads/dev' }],
  ['https://h/b.git?tag=refs/tags/v1', { ref: 'refs/tags/v1' }],
  ['https://h/b.git?ref=dev#dev', { ref: 'dev' }],
  ['https://h/b.git?subdir=a/b#dev:/a/b', { ref: 'dev', subdir: 'a/b' }],
  [`https://h/b.git?commit=${commit}`, { ref: commit, checksum: commit }],
  ['https://h/b.git?tag=v1&checksum=abcdef0', { ref: 'refs/tags/v1', checksum: 'abcdef0' }],
  ['https://h/b.git?checksum=abcdef0&commit=abcdef0', { ref: 'abcdef0', checksum: 'abcdef0' }],
  ['https://h/b.git?keep-git-dir=true&submodules=0', { keepGitDir: true, submodules: false }],
  ['https://h/b.git?keep-git-dir', { keepGitDir: true }],
  ['https://h/b.git?keep-git-dir=false&mtime=commit', { keepGitDir: false, mtime: 'commit' }],
  ['https://h/b.git?fetch-by-commit=1', { fetchByCommit: true }],
])('%s', (text, expected) => {
  const parsed = parseGitUrl(text);
  expect(parsed).toEqual({ kind: 'git', source: { remote: 'https://h/b.git', ...plain, ...expected } });
});

test.each([
  'https://h/b',
  'https://h/b.git/',
  'https://h/b.zip?x=.git',
  'https://h/b#x.git',
  'http://h/file.tar.gz',
  'github.com/a/b',
  'a/b.git',
  './x@y:z',
  '@h:b',
  'file:///x.git',
  'ext::sh -c x',
  '',
])('%j is not git', (text) => {
  expect(parseGitUrl(text)).toBeUndefined();
});

// The texts of the conflicts are docker's.
test.each([
  ['https://h/b.git?foo=bar', 'unexpected query "foo"'],
  ['https://h/b.git?ref=', 'query "ref" has no value'],
  ['https://h/b.git?ref=a&ref=b', 'query "ref" has multiple values'],
  ['https://h/b.git?tag=a&branch=b', 'branch conflicts with tag'],
  ['https://h/b.git?ref=dev#main', 'ref conflicts: "main" vs "dev"'],
  ['https://h/b.git?subdir=sub#main:other', 'subdir conflicts: "other" vs "sub"'],
  ['https://h/b.git?checksum=abcdef0&commit=abcdef1', 'checksum conflicts: "abcdef0" vs "abcdef1"'],
  ['https://h/b.git?checksum=xyz', 'invalid checksum xyz for Git URL, expected hex commit hash'],
  ['https://h/b.git?keep-git-dir=maybe', 'query "keep-git-dir" is no boolean: "maybe"'],
  ['https://h/b.git?mtime=now', 'invalid mtime "now": checkout or commit'],
  ['https://h/b.git#-x', 'invalid git ref "-x"'],
  ['https://h/b.git#--upload-pack=touch', 'invalid git ref "--upload-pack=touch"'],
  ['https://h/b.git?ref=--output=x', 'invalid git ref "--output=x"'],
  ['https://h/b.git#a..b', 'invalid git ref "a..b"'],
  ['https://h/b.git#a%20b', 'invalid git ref "a b"'],
  ['https://h/b.git#a%0Ab', 'invalid git ref "a\\nb"'],
  ['https://h/b.git#%2Bx', 'invalid git ref'],
  ['https://h/b.git#a*', 'invalid git ref "a*"'],
  ['https://h/b.git#a.lock', 'invalid git ref "a.lock"'],
  ['git@-oForwardAgent:b', 'its host is malformed'],
  ['ssh://-oProxyCommand=x/b.git', 'its host is malformed'],
  ['ssh://git@-oProxyCommand=x/b.git', 'its host is malformed'],
  ['ssh://-oX@h/b.git', 'its user is malformed'],
  ['-x@h:b', 'its user is malformed'],
  ['git@h:-x', 'its path is malformed'],
  ['git@h:a b', 'its path is malformed'],
  ['ssh://h/-x', 'its path is malformed'],
  ['git://u:p@h/b', 'a password means nothing for git'],
  ['git://', 'it is no valid URL'],
])('%s is refused: %s', (text, why) => {
  const parsed = parseGitUrl(text);
  expect(parsed).toMatchObject({ kind: 'malformed', why: expect.stringContaining(why) as string });
});

describe('whatever is written', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'https://',
      'ssh://',
      'git://',
      'git@',
      'h',
      ':',
      '/',
      '.git',
      '#',
      '?',
      'ref=',
      'tag=',
      '&',
      '-',
      '..',
      '%',
    ),
    fc.string({ maxLength: 4 }),
  );
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

  test('is git, malformed or something else; nothing of it can be an option of git or ssh', () => {
    fc.assert(
      fc.property(text, (written) => {
        const parsed = parseGitUrl(written);
        if (parsed?.kind !== 'git') return;
        const { remote, host, ref, subdir } = parsed.source;
        for (const part of [remote, host, ref ?? 'x']) expect(part).toMatch(/^[^-\s]/);
        expect(`/${subdir}/`).not.toMatch(/\/\.\.\//);
        expect(shownGitSource(parsed.source).startsWith(remote)).toBe(true);
        // In the form `git@host:path` there is no place for a password.
        expect(remote).not.toMatch(/^\w+:\/\/[^/]*:[^/]*@/);
      }),
      { numRuns: 20_000 },
    );
  });
});
