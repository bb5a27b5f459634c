import { describe, expect, test } from 'vitest';
import { findSecret } from '../../../src/checks/secrets/find-secret.ts';
import { findings } from './evidence.ts';

// Put together here, so that no scanner takes this file for a leak.
const key = (kind: string): string => `-----BEGIN ${kind}PRIVATE ${'KEY-----'}\nMIIE\n`;
const token = (prefix: string, length: number): string => `${prefix}${'aB3d'.repeat(30).slice(0, length)}`;

describe('a file with something that looks like a secret', () => {
  test.each([
    ['id_rsa', key('RSA '), 'a private key'],
    ['id', `x\n${key('OPENSSH ')}`, 'a private key'],
    ['key.pem', key(''), 'a private key'],
    ['key.asc', `-----BEGIN PGP PRIVATE KEY ${'BLOCK-----'}\n`, 'a private key'],
    ['account.json', `{"private_key": "${key('').trim()}"}`, 'a private key'],
    ['notes.txt', `key = ${token('AKIA', 0)}ABCDEFGHIJKLMNOP`, 'an AWS access key'],
    ['credentials', `aws_secret_access_key = ${token('', 40)}`, 'an AWS secret key'],
    ['a.js', `const t = '${token('ghp_', 36)}'`, 'a GitHub token'],
    ['a.js', token('github_pat_', 82), 'a GitHub token'],
    ['ci.yml', `t: ${token('glpat-', 20)}`, 'a GitLab token'],
    ['x', token('npm_', 36), 'an npm token'],
    ['x', token('pypi-AgEIcHlwaS5vcmc', 60), 'a PyPI token'],
    ['x', token('dckr_pat_', 27), 'a Docker Hub token'],
    ['x', token('xoxb-', 40), 'a Slack token'],
    ['x', token('sk_live_', 24), 'a Stripe key'],
    ['x', token('AIza', 35), 'a Google API key'],
    ['x', token('sk-ant-api03-', 60), 'an OpenAI or Anthropic key'],
    ['x', `SG.${token('', 22)}.${token('', 43)}`, 'a SendGrid key'],
    ['x', `AccountKey=${token('', 86)}==`, 'an Azure storage key'],
    ['.npmrc', `//registry.npmjs.org/:_authToken=${token('', 20)}`, 'a token for a package registry'],
    ['.yarnrc.yml', `npmAuthToken: "${token('', 20)}"`, 'a token for a package registry'],
    ['.pypirc', '[pypi]\npassword = hunter2', 'a password'],
    ['.netrc', 'machine a login b password c', 'a password'],
    ['.git-credentials', 'https://user:pass@example.com', 'a password'],
    ['config.json', '{"auths":{"a":{"auth":"dXNlcjpwYXNz"}}}', 'the login of a registry'],
    ['.env', 'A=1', 'a setting of an environment file'],
    ['.env.production', '# x\nexport DB="y"', 'a setting of an environment file'],
  ])('%s: %j', (name, content, what) => {
    expect(findSecret(`some/where/${name}`, content)).toMatchObject({ what });
  });

  test.each([
    ['key.pub', 'ssh-rsa AAAA'],
    ['cert.pem', '-----BEGIN CERTIFICATE-----'],
    ['README.md', 'a line with -----BEGIN PRIVATE and KEY----- in it'],
    ['docs.md', 'AKIAIOSFODNN7EXAMPLE'],
    ['.npmrc', '//registry.npmjs.org/:_authToken=${NPM_TOKEN}'],
    ['.npmrc', 'registry=https://registry.npmjs.org/\n# _authToken=none'],
    ['.pypirc', 'password = $PASSWORD'],
    ['.env.example', 'A=secret'],
    ['.env.sample', 'A=secret'],
    ['.env', '# nothing\nA=\n'],
    ['.envrc', 'use flake'],
    ['config.json', '{"auth": true}'],
    ['x.ts', 'ghp_short npm_install sk-learn AIza'],
    ['npm_lock', `${'a'.repeat(20)}npm_${'a'.repeat(50)}`],
  ])('%s without one: %j', (name, content) => {
    expect(findSecret(name, content)).toBeUndefined();
  });

  test('is told with the first line', () => {
    expect(findSecret('x', `a\nb\n${token('ghp_', 36)}\n${key('')}`)).toEqual({ what: 'a GitHub token', line: 3 });
  });

  test('is looked through in a time that grows with its length alone', () => {
    const started = performance.now();
    const parts = [
      'A',
      '_authToken',
      '-----BEGIN ',
      'aws_secret_access_key= ',
      'AccountKey=',
      'https://a',
      ' \t',
      'sk-ant-a',
    ];
    for (const name of ['.npmrc', '.env', '.git-credentials', '.netrc', 'config.json'])
      for (const part of parts) findSecret(name, part.repeat(Math.floor(250_000 / part.length)));
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('SecretInCopiedFile', () => {
  test('names the files and what they seem to hold, at most five of them', () => {
    const file = (index: number): { path: string; what: string; line: number } => ({
      path: `k${index}`,
      what: 'a private key',
      line: index,
    });
    const secrets = { 2: [file(1)], 3: [1, 2, 3, 4, 5, 6, 7].map(file) };
    expect(findings('FROM a\nCOPY a /a\nCOPY b /b\n', { secrets })).toEqual([
      'SecretInCopiedFile: "COPY a /a" takes k1 (line 1 looks like a private key) (line 2)',
      'SecretInCopiedFile: "COPY b /b" takes k1 (line 1 looks like a private key), k2 (line 2 looks like a private key), k3 (line 3 looks like a private key), k4 (line 4 looks like a private key), k5 (line 5 looks like a private key) and 2 more files (line 3)',
    ]);
  });
});

test('the name of a file begins no line of its own', () => {
  const secrets = { 2: [{ path: 'x\nWARNING: y\u001b[2J', what: 'a private key', line: 1 }] };
  expect(findings('FROM a\nCOPY . /\n', { secrets })).toEqual([
    'SecretInCopiedFile: "COPY . /" takes x\ufffdWARNING: y\ufffd[2J (line 1 looks like a private key) (line 2)',
  ]);
});

describe('BaseWithoutDigest', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const text = `FROM a:1 AS base\nFROM base\nCOPY --from=b:2 / /\nCOPY --from=base / /\nCOPY --from=0 / /\nRUN --mount=from=c,target=/c true\nFROM scratch\nFROM d@${digest}\n`;

  test('is not asked unless it is to be strict', () => {
    expect(findings(text)).toEqual([]);
  });

  test('names every image that is not pinned, once a line, with what it is now', () => {
    expect(findings(text, { strict: true, digests: { 'a:1': digest } })).toEqual([
      `BaseWithoutDigest: a:1 has no digest, and may be another image next time; now it is a:1@${digest} (line 1)`,
      'BaseWithoutDigest: b:2 has no digest, and may be another image next time (line 3)',
      'BaseWithoutDigest: c has no digest, and may be another image next time (line 6)',
    ]);
  });

  test('leaves named contexts alone', () => {
    expect(findings('FROM a\nCOPY --from=b / /\n', { strict: true, namedContexts: ['a', 'b'] })).toEqual([]);
  });
});
