import { expect, test } from 'vitest';
import { parseChallenges } from '../../../src/registry/challenge.ts';

const parsed = (header: string | undefined): unknown =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each<[string, string | undefined, unknown]>([
  ['nothing', undefined, []],
  [
    "Docker Hub's",
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/debian:pull"',
    [
      [
        'bearer',
        {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/debian:pull',
        },
      ],
    ],
  ],
  [
    'a scope with a comma',
    'Bearer realm="r",scope="repository:a:pull,push"',
    [['bearer', { realm: 'r', scope: 'repository:a:pull,push' }]],
  ],
  ['plain values and blanks', 'BEARER  Realm = r , SERVICE=s', [['bearer', { realm: 'r', service: 's' }]]],
  ['quoted quotes', String.raw`Basic realm="a \"b\""`, [['basic', { realm: 'a "b"' }]]],
  [
    'two of them',
    'Basic realm="x", Bearer realm="y"',
    [
      ['basic', { realm: 'x' }],
      ['bearer', { realm: 'y' }],
    ],
  ],
  [
    'one without parameters',
    'Negotiate, Bearer realm=y',
    [
      ['negotiate', {}],
      ['bearer', { realm: 'y' }],
    ],
  ],
  ['what is malformed ends it', 'Bearer realm="x", "oops', [['bearer', { realm: 'x' }]]],
])('%s', (_name, header, expected) => {
  expect(parsed(header)).toEqual(expected);
});

test('a hostile header is read in bounded time', () => {
  const start = performance.now();
  for (const header of [
    'a='.repeat(50_000),
    `Bearer a="${'\\'.repeat(100_000)}`,
    ', '.repeat(50_000),
    'x '.repeat(50_000),
  ]) {
    parseChallenges(header);
  }
  expect(performance.now() - start).toBeLessThan(1000);
});
