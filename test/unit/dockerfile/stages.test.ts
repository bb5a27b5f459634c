import { describe, expect, test } from 'vitest';
import { findCopySource } from '../../../src/dockerfile/find-stage.ts';
import { resolveStages } from '../../../src/dockerfile/stages.ts';
import type { ResolvedStages, ResolveStagesOptions } from '../../../src/dockerfile/stages.ts';
import { errorOf, failureOf, parse } from './helpers.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };

function resolve(lines: readonly string[], options: Partial<ResolveStagesOptions> = {}): ResolvedStages {
  return resolveStages(parse(...lines), { buildArgs: new Map(), platform: amd64, buildPlatform: amd64, ...options });
}

const basesOf = (lines: readonly string[], options?: Partial<ResolveStagesOptions>): readonly unknown[] =>
  resolve(lines, options).stages.map(({ base }) =>
    base.kind === 'stage' ? base.index : base.kind === 'image' ? base.name : base.kind,
  );

// Each was run through docker build (BuildKit).
describe('FROM', () => {
  test.each([
    ['an image, a stage, scratch', ['FROM a AS b', 'FROM b', 'FROM scratch'], ['a', 0, 'scratch']],
    ['no stage in capitals, as docker', ['FROM a AS Bb', 'FROM bB'], ['a', 'bB']],
    ['the last earlier stage of the name', ['FROM a AS x', 'FROM b AS x', 'FROM x AS x', 'FROM x'], ['a', 'b', 1, 2]],
    ['its own name is an image', ['FROM x AS x'], ['x']],
    ['a later stage is an image', ['FROM x', 'FROM a AS x'], ['x', 'a']],
    ['a number is an image', ['FROM a', 'FROM 0'], ['a', '0']],
    ['a stage named scratch hides the empty one', ['FROM a AS scratch', 'FROM scratch'], ['a', 0]],
    ['SCRATCH is an image', ['FROM SCRATCH'], ['SCRATCH']],
    ['quotes', ['FROM "a:1" AS b', "FROM 'b'"], ['a:1', 0]],
    ['a stage by a variable', ['ARG S=b', 'FROM a AS b', 'FROM $S'], ['a', 0]],
    ['scratch by a variable', ['ARG S=scratch', 'FROM $S'], ['scratch']],
    ['ARGs that build on each other', ['ARG X=1', 'ARG X=${X}2 Y=$X', 'FROM a:$Y'], ['a:12']],
    ['an ARG without a value', ['ARG X', 'FROM a:${X:-1}'], ['a:1']],
    ['an ARG behind a FROM does not count', ['FROM a', 'ARG X=1', 'FROM b${X}'], ['a', 'b']],
    ['platform arguments without ARG', ['FROM a:$TARGETARCH$TARGETVARIANT'], ['a:amd64']],
  ])('%s', (_, lines, bases) => {
    expect(basesOf(lines)).toEqual(bases);
  });

  test('--build-arg sets global ARGs, declared ones only, and platform arguments', () => {
    const buildArgs = new Map([
      ['X', '2'],
      ['TARGETARCH', 'zzz'],
      ['HTTP_PROXY', 'p'],
    ]);
    expect(basesOf(['ARG X=1', 'FROM a:$X', 'FROM b:$TARGETARCH', 'FROM c$HTTP_PROXY'], { buildArgs })).toEqual([
      'a:2',
      'b:zzz',
      'c',
    ]);
    expect(basesOf(['FROM a$X'], { buildArgs })).toEqual(['a']);
  });

  test('--platform is expanded', () => {
    expect(resolve(['FROM --platform=linux/$TARGETARCH a', 'FROM b']).stages.map(({ platform }) => platform)).toEqual([
      'linux/amd64',
      undefined,
    ]);
  });

  test.each([
    [['FROM $UNDEF', 'FROM a'], 'TBUILD_DOCKERFILE_SYNTAX base name ($UNDEF) should not be blank'],
    [['FROM ""'], 'TBUILD_DOCKERFILE_SYNTAX base name ("") should not be blank'],
    [['FROM --platform=$FOO a'], 'TBUILD_DOCKERFILE_SYNTAX empty platform value from expression $FOO'],
    [
      ["FROM 'a"],
      `TBUILD_EXPANSION failed to process "'a": unexpected end of statement while looking for matching single-quote`,
    ],
    [['ARG T=${U:?x}', 'FROM a'], 'TBUILD_EXPANSION failed to process "${U:?x}": U: x'],
  ])('%j is refused, even where the target does not need it', (lines, message) => {
    expect(failureOf(() => resolve(lines))).toBe(message);
  });
});

describe('global arguments', () => {
  test('are the platform arguments and the ARGs of before the first FROM', () => {
    const { globalArgs } = resolve(
      ['ARG X=$TARGETPLATFORM-$BUILDOS', 'ARG EMPTY=', 'ARG NONE', 'ARG TARGETARCH=foo', 'FROM a AS Foo'],
      {
        platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
      },
    );
    expect(Object.fromEntries(globalArgs)).toEqual({
      TARGETPLATFORM: 'linux/arm/v7',
      TARGETOS: 'linux',
      TARGETARCH: 'foo',
      TARGETVARIANT: 'v7',
      BUILDPLATFORM: 'linux/amd64',
      BUILDOS: 'linux',
      BUILDARCH: 'amd64',
      BUILDVARIANT: '',
      TARGETSTAGE: 'foo',
      X: 'linux/arm/v7-linux',
      EMPTY: '',
    });
  });

  test('TARGETSTAGE is "default" for a stage without a name', () => {
    expect(resolve(['FROM a AS x', 'FROM a']).globalArgs.get('TARGETSTAGE')).toBe('default');
    expect(resolve(['FROM a AS x', 'FROM a'], { target: 'X' }).globalArgs.get('TARGETSTAGE')).toBe('x');
  });
});

describe('target', () => {
  const lines = ['FROM a AS Build', 'FROM b AS test', 'FROM c AS test', 'FROM d'];
  test.each([
    [undefined, 3],
    ['', 3],
    ['BUILD', 0],
    ['test', 2],
    ['1', 1],
  ])('%j', (target, index) => {
    expect(resolve(lines, { target }).target).toBe(index);
  });

  test.each([
    ['buid', 'Did you mean build?'],
    ['nope', 'The stages are build, test, test.'],
    ['9', 'The stages are build, test, test.'],
  ])('%s does not exist', (target, hint) => {
    const error = errorOf(() => resolve(lines, { target }));
    expect(error.code).toBe('TBUILD_STAGE_NOT_FOUND');
    expect(error.message).toBe(`target stage "${target}" could not be found`);
    expect(error.hint).toBe(hint);
  });
});

describe('dependencies', () => {
  test('come from FROM, from COPY --from by name in any case or number, and from the ONBUILD of a base in the file', () => {
    const { stages, reachable, target } = resolve([
      'FROM a AS one',
      'FROM one AS two',
      'ONBUILD COPY --from=ONE /a /b',
      'FROM b AS unused',
      'COPY --from=two /a /b',
      'FROM two AS three',
      'FROM c',
      'COPY --from=Three /a /b',
      'COPY --from=01 /a /b',
      'COPY --from=1 /a /b',
      'COPY --from=image:tag /a /b',
    ]);
    expect(stages.map(({ dependencies }) => dependencies)).toEqual([[], [0], [1], [0, 1], [1, 3]]);
    expect({ target, reachable }).toEqual({ target: 4, reachable: [0, 1, 3, 4] });
  });

  test.each([
    ['name', { kind: 'stage', index: 2 }],
    ['NAME', { kind: 'stage', index: 2 }],
    ['0', { kind: 'stage', index: 0 }],
    ['+1', { kind: 'stage', index: 1 }],
    ['scratch', { kind: 'scratch' }],
    ['other', { kind: 'image', name: 'other' }],
    ['localhost:5000/x', { kind: 'image', name: 'localhost:5000/x' }],
  ])('--from=%s', (name, source) => {
    const { names, stages } = resolve(['FROM a AS name', 'FROM b', 'FROM c AS name']);
    expect(findCopySource(names, name, stages[0]!.stage.span)).toEqual(source);
  });

  test.each([
    [['FROM a', 'COPY --from=9 x y'], 'TBUILD_STAGE_NOT_FOUND invalid stage index 9', 2],
    [['FROM a', 'COPY --from=-1 x y'], 'TBUILD_STAGE_NOT_FOUND invalid stage index -1', 2],
    [['FROM a AS x', 'COPY --from=9 x y', 'FROM b'], 'TBUILD_STAGE_NOT_FOUND invalid stage index 9', 2],
    [['FROM a AS xx', 'COPY --from=xx x y'], 'TBUILD_STAGE_CYCLE circular dependency detected on stage: xx', 2],
    [['FROM a', 'COPY --from=0 x y'], 'TBUILD_STAGE_CYCLE circular dependency detected on stage: 0', 2],
    [
      ['FROM a AS x', 'FROM a AS x', 'COPY --from=x x y'],
      'TBUILD_STAGE_CYCLE circular dependency detected on stage: x',
      3,
    ],
    [
      ['FROM a AS x', 'COPY --from=y x y', 'FROM a AS y', 'COPY --from=x x y', 'FROM b'],
      'TBUILD_STAGE_CYCLE circular dependency detected on stage: x',
      2,
    ],
    [
      ['FROM a AS x', 'COPY --from=y x y', 'FROM b AS y', 'FROM c', 'COPY --from=x x y'],
      'TBUILD_STAGE_NOT_FOUND cannot copy from stage "y", it needs to be defined before current stage "x"',
      2,
    ],
  ])('%j is refused', (lines, message, line) => {
    expect(failureOf(() => resolve(lines))).toBe(message);
    expect(errorOf(() => resolve(lines)).span?.line).toBe(line);
  });

  test('a circle is told with its lines', () => {
    const error = errorOf(() =>
      resolve(['FROM a AS x', 'FROM b AS y', 'COPY --from=z x y', 'FROM x AS z', 'FROM y AS w', 'COPY --from=w x y']),
    );
    expect(error.message).toBe('circular dependency detected on stage: w');
    expect(error.hint).toBe('A stage cannot copy from itself. Name an earlier stage, or an image.');
    const longer = errorOf(() => resolve(['FROM a AS x', 'COPY --from=y x y', 'FROM b AS y', 'COPY --from=x x y']));
    expect(longer.hint).toBe(
      'x reads from y in line 2, y reads from x in line 4. Break the circle with a stage that both copy from.',
    );
  });

  test('a stage that the target does not need may copy from a later one', () => {
    expect(resolve(['FROM a AS x', 'COPY --from=y x y', 'FROM b AS y']).reachable).toEqual([1]);
  });
});
