import { describe, expect, test } from 'vitest';
import { namedContexts } from '../../../../src/build/contexts/named-contexts.ts';

const image = { kind: 'image', reference: 'given' } as const;
const given = (name: string): ReturnType<typeof namedContexts> => namedContexts({ [name]: 'docker-image://given' });
const digest = `sha256:${'1'.repeat(64)}`;

// What stands on the left was asked of docker, as what `FROM` on the right finds.
describe('a named context is found as docker finds it', () => {
  test.each([
    ['alpine', 'alpine'],
    ['alpine', 'alpine:latest'],
    ['alpine:latest', 'alpine'],
    ['docker.io/library/alpine', 'alpine'],
    ['index.docker.io/library/alpine:latest', 'alpine'],
    ['library/alpine', 'docker.io/library/alpine'],
    ['alpine:3.19', 'docker.io/library/alpine:3.19'],
    ['docker.io/alpine:3.19', 'alpine:3.19'],
    ['localhost:5000/a', 'localhost:5000/a:latest'],
    [`alpine@${digest}`, `alpine@${digest}`],
    ['0', '0'],
  ])('%s by %s', (name, wanted) => {
    expect(given(name).find(wanted)).toEqual(image);
  });

  test.each([
    ['alpine', 'alpine:3.19'],
    ['alpine:3.19', 'alpine'],
    ['alpine', 'Alpine'],
    ['alpine', `alpine@${digest}`],
    ['alpine', 'example.org/alpine'],
    ['scratch', 'scratch'],
    ['a', 'constructor'],
    ['a', '../a'],
    ['a', ''],
  ])('%s not by %s', (name, wanted) => {
    expect(given(name).find(wanted)).toBeUndefined();
  });

  test.each(['X', 'a b', '', '-', '../x', '/abs', 'alpine::linux/amd64'])('%j is no name', (name) => {
    expect(() => given(name)).toThrow(expect.objectContaining({ code: 'TBUILD_USAGE' }) as Error);
  });
});
