import { expect, test } from 'vitest';
import { openSecrets } from '../../../../src/build/secrets.ts';
import { gitAuthorization, httpAuthorization } from '../../../../src/build/sources/credentials.ts';
import { parseGitUrl } from '../../../../src/git/git-url.ts';

const given = (secrets: Readonly<Record<string, string>>): { readonly secrets: ReturnType<typeof openSecrets> } => ({
  secrets: openSecrets(Object.fromEntries(Object.entries(secrets).map(([id, value]) => [id, { value }]))),
});

// By which name docker asks is what is asked for here; it was looked at.
test.each([
  ['https://example.com/x', { 'HTTP_AUTH_TOKEN_example.com': 't' }, 'Bearer t'],
  ['https://example.com:8443/x', { 'HTTP_AUTH_TOKEN_example.com': ' t\n' }, 'Bearer t'],
  ['https://example.com/x', { 'HTTP_AUTH_HEADER_example.com': 'Basic eA==' }, 'Basic eA=='],
  ['http://[::1]:80/x', { 'HTTP_AUTH_TOKEN_::1': 't' }, 'Bearer t'],
  ['https://example.com/x', { 'HTTP_AUTH_TOKEN_example.com': '\n' }, undefined],
  ['https://example.com:8443/x', { 'HTTP_AUTH_TOKEN_example.com:8443': 't' }, undefined],
  ['https://www.example.com/x', { 'HTTP_AUTH_TOKEN_example.com': 't' }, undefined],
  ['https://example.com.evil.org/x', { 'HTTP_AUTH_TOKEN_example.com': 't' }, undefined],
])('%s with %j', async (url, secrets, header) => {
  expect(await httpAuthorization(given(secrets), new URL(url))).toBe(header);
});

test.each(['ssh://git@example.com/r.git', 'git://example.com/r.git'])('%s gets no header', async (url) => {
  const parsed = parseGitUrl(url);
  if (parsed?.kind !== 'git') throw new TypeError('no repository');
  expect(await gitAuthorization(given({ GIT_AUTH_TOKEN: 't' }), parsed.source)).toBeUndefined();
});
