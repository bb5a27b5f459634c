import { expect, test } from 'vitest';
import { familiarReference, formatReference, parseReference } from '../../../src/oci/reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['debian', 'docker.io/library/debian:latest', 'debian:latest'],
  ['debian:trixie', 'docker.io/library/debian:trixie', 'debian:trixie'],
  ['team/app', 'docker.io/team/app:latest', 'team/app:latest'],
  ['docker.io/debian', 'docker.io/library/debian:latest', 'debian:latest'],
  ['index.docker.io/debian', 'docker.io/library/debian:latest', 'debian:latest'],
  ['docker.io/library/debian', 'docker.io/library/debian:latest', 'debian:latest'],
  ['localhost/x', 'localhost/x:latest', 'localhost/x:latest'],
  ['localhost:5000/x', 'localhost:5000/x:latest', 'localhost:5000/x:latest'],
  ['localhost:5000', 'docker.io/library/localhost:5000', 'localhost:5000'],
  [`localhost:5000/x@${digest}`, `localhost:5000/x@${digest}`, `localhost:5000/x@${digest}`],
  [`a:1@${digest}`, `docker.io/library/a:1@${digest}`, `a:1@${digest}`],
  ['ghcr.io/a/b/c:1.0', 'ghcr.io/a/b/c:1.0', 'ghcr.io/a/b/c:1.0'],
  ['[::1]:5000/x', '[::1]:5000/x:latest', '[::1]:5000/x:latest'],
  ['Host/x', 'Host/x:latest', 'Host/x:latest'],
  ['a/b_c__d-e---f.g', 'docker.io/a/b_c__d-e---f.g:latest', 'a/b_c__d-e---f.g:latest'],
])('%s is %s, shown as %s', (text, full, familiar) => {
  const reference = parseReference(text);
  expect(formatReference(reference)).toBe(full);
  expect(familiarReference(reference)).toBe(familiar);
  expect(parseReference(full)).toEqual(reference);
});

test.each([
  '',
  ':tag',
  'Debian',
  'a/B',
  'a//b',
  '/a',
  'a/',
  'a:',
  'a:-x',
  'a:b:c',
  `a:${'t'.repeat(129)}`,
  'a@sha256:12',
  `a@${digest}@${digest}`,
  `a@sha512:${'a'.repeat(128)}`,
  'a'.repeat(64).replaceAll('a', 'f'),
  `x/${'a'.repeat(254)}`,
  'a___b',
  'a..b',
  '-a',
  'a b',
  'a\n',
  'a:b\n',
  '../x',
  'exam_ple.com/x',
  'host:port/x',
  'http://localhost/x',
  'a?b',
  'é',
])('%j is refused', (text) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'TBUILD_REFERENCE' }));
});
