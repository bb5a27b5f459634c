import { expect, test } from 'vitest';
import { resolveArgs } from '../../../src/dockerfile/resolve-args.ts';
import type { ArgScope } from '../../../src/dockerfile/resolve-args.ts';
import { failureOf, instructionsOf } from './helpers.ts';

function resolve(line: string, scope: Partial<ArgScope> = {}): Record<string, string | undefined> {
  const [arg] = instructionsOf(line);
  if (arg?.kind !== 'arg') throw new TypeError('not an ARG');
  const none = new Map<string, string>();
  const { args } = resolveArgs(arg, { env: none, buildArgs: none, outer: none, escape: '\\', ...scope });
  return Object.fromEntries(args.map(({ name, value }) => [name, value]));
}

// Each was run through docker build (BuildKit).
test('without anything from outside it is the default, expanded, each seeing the ones before it', () => {
  expect(resolve('ARG a=1 b=$a c= d e=${d-unset}')).toEqual({ a: '1', b: '1', c: '', d: undefined, e: 'unset' });
});

test('--build-arg wins, as it is, and the default is not even looked at', () => {
  const buildArgs = new Map([['a', '$HOME']]);
  expect(resolve('ARG a=${X:?err} b=$a', { buildArgs })).toEqual({ a: '$HOME', b: '$HOME' });
  expect(failureOf(() => resolve('ARG a=${X:?err}'))).toContain('TBUILD_EXPANSION');
});

test('an ARG without a default takes the outer value; one with a default does not', () => {
  const outer = new Map([
    ['A', '1'],
    ['TARGETARCH', 'amd64'],
  ]);
  expect(resolve('ARG A TARGETARCH', { outer })).toEqual({ A: '1', TARGETARCH: 'amd64' });
  expect(resolve('ARG A=2', { outer })).toEqual({ A: '2' });
  expect(resolve('ARG A=', { outer })).toEqual({ A: '' });
});

test('a default sees the variables before it', () => {
  expect(resolve('ARG a="q $P" b=\'$P\' c=\\$P', { env: new Map([['P', 'p']]) })).toEqual({
    a: 'q p',
    b: '$P',
    c: '$P',
  });
});
