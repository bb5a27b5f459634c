import { describe, expect, test } from 'vitest';
import type { Instruction } from '../../../src/dockerfile/instruction.ts';
import { applyInstruction, resolveWorkdir } from '../../../src/image/apply-instruction.ts';
import type { BuildArguments } from '../../../src/image/created-by.ts';
import {
  defaultPath,
  draftFromImage,
  draftFromStage,
  scratchDraft,
  visibleVariables,
} from '../../../src/image/draft.ts';
import type { ImageDraft } from '../../../src/image/draft.ts';
import { exec, instruction, shell } from './instructions.ts';

const busybox = draftFromImage({
  architecture: 'amd64',
  os: 'linux',
  config: { Env: [`PATH=${defaultPath}`], Cmd: ['sh'] },
  rootfs: { type: 'layers', diff_ids: [] },
});

const layerKinds = new Set(['run', 'copy', 'add', 'workdir']);

function build(draft: ImageDraft, instructions: readonly Instruction[], args: BuildArguments = []): ImageDraft {
  return instructions.reduce(
    (current, each) => applyInstruction(current, each, { args, madeLayer: layerKinds.has(each.kind) }),
    draft,
  );
}

const texts = (draft: ImageDraft): readonly (string | undefined)[] => draft.history.map((entry) => entry.created_by);

const transfer = { chown: undefined, chmod: undefined, link: false } as const;

describe('the config', () => {
  test('ENV replaces in place and appends what is new', () => {
    const draft = build(busybox, [
      instruction({
        kind: 'env',
        pairs: [
          { key: 'A', value: '1' },
          { key: 'B', value: 'two words' },
        ],
      }),
      instruction({ kind: 'env', pairs: [{ key: 'PATH', value: '/x' }] }),
    ]);
    expect(draft.config.Env).toEqual(['PATH=/x', 'A=1', 'B=two words']);
    expect(texts(draft)).toEqual(['ENV A=1 B=two words', 'ENV PATH=/x']);
  });

  test('LABEL merges, and a label may be called __proto__', () => {
    const draft = build(busybox, [
      instruction({ kind: 'label', pairs: [{ key: '__proto__', value: 'x' }] }),
      instruction({ kind: 'label', pairs: [{ key: 'l 2', value: 'v 2' }] }),
    ]);
    expect(Object.entries(draft.config.Labels ?? {})).toEqual([
      ['__proto__', 'x'],
      ['l 2', 'v 2'],
    ]);
    expect(texts(draft)).toEqual(['LABEL __proto__=x', 'LABEL l 2=v 2']);
  });

  test('ENTRYPOINT clears an inherited CMD, but not one of this stage', () => {
    const entrypoint = instruction({ kind: 'entrypoint', command: exec('e') });
    const cmd = instruction({ kind: 'cmd', command: exec('c') });
    expect(build(busybox, [entrypoint]).config).toEqual({ Env: [`PATH=${defaultPath}`], Entrypoint: ['e'] });
    expect(build(busybox, [cmd, entrypoint]).config.Cmd).toEqual(['c']);
    expect(build(draftFromStage(build(busybox, [cmd])), [entrypoint]).config.Cmd).toBeUndefined();
  });

  test('empty CMD and ENTRYPOINT clear what was inherited', () => {
    const cleared = build(busybox, [instruction({ kind: 'cmd', command: exec() })]);
    expect(cleared.config).toEqual({ Env: [`PATH=${defaultPath}`], ArgsEscaped: true });
    const both = build(cleared, [instruction({ kind: 'entrypoint', command: exec() })]);
    expect(both.config).not.toHaveProperty('Entrypoint');
    expect(texts(both)).toEqual(['CMD []', 'ENTRYPOINT []']);
  });

  test('shell form is run by SHELL', () => {
    const draft = build(busybox, [
      instruction({ kind: 'cmd', command: shell('echo $HOME "x"') }),
      instruction({ kind: 'shell', argv: ['/bin/sh', '-ec'] }),
      instruction({ kind: 'entrypoint', command: shell('e $HOME') }),
      instruction({ kind: 'run', command: shell('late') }),
    ]);
    expect(draft.config).toMatchObject({
      Cmd: ['/bin/sh', '-c', 'echo $HOME "x"'],
      Entrypoint: ['/bin/sh', '-ec', 'e $HOME'],
      Shell: ['/bin/sh', '-ec'],
      ArgsEscaped: true,
    });
    expect(texts(draft)).toEqual([
      'CMD ["/bin/sh" "-c" "echo $HOME \\"x\\""]',
      'SHELL [/bin/sh -ec]',
      'ENTRYPOINT ["/bin/sh" "-ec" "e $HOME"]',
      'RUN /bin/sh -ec late # buildkit',
    ]);
  });

  test('EXPOSE normalises, and keeps order and doubles in the history', () => {
    const ports = ['80', '443/tcp', '53/udp', '9000-9002', '8080:80'];
    const draft = build(busybox, [instruction({ kind: 'expose', ports })]);
    expect(Object.keys(draft.config.ExposedPorts ?? {}).toSorted()).toEqual([
      '443/tcp',
      '53/udp',
      '80/tcp',
      '9000/tcp',
      '9001/tcp',
      '9002/tcp',
    ]);
    expect(texts(draft)).toEqual(['EXPOSE [80/tcp 443/tcp 53/udp 9000/tcp 9001/tcp 9002/tcp 80/tcp]']);
  });

  test.each([
    instruction({ kind: 'expose', ports: ['80', 'abc'] }),
    instruction({ kind: 'stopsignal', signal: 'SIGNOPE' }),
  ])('a wrong value of $kind is an error with its place', (wrong) => {
    expect(() => build(busybox, [wrong])).toThrow(
      expect.objectContaining({ code: 'TBUILD_DOCKERFILE_SYNTAX', span: wrong.span }),
    );
  });

  test('USER, VOLUME, STOPSIGNAL and MAINTAINER are kept as written', () => {
    const draft = build(busybox, [
      instruction({ kind: 'user', user: '1000:1000' }),
      instruction({ kind: 'volume', paths: ['/data', '[x]'] }),
      instruction({ kind: 'volume', paths: ['/a/'] }),
      instruction({ kind: 'stopsignal', signal: 'sigkill' }),
      instruction({ kind: 'maintainer', name: 'Joe <joe@x>' }),
    ]);
    expect(draft.config).toMatchObject({
      User: '1000:1000',
      Volumes: { '/data': {}, '[x]': {}, '/a/': {} },
      StopSignal: 'sigkill',
    });
    expect(draft.author).toBe('Joe <joe@x>');
    expect(texts(draft)).toEqual([
      'USER 1000:1000',
      'VOLUME [/data [x]]',
      'VOLUME [/a/]',
      'STOPSIGNAL sigkill',
      'MAINTAINER Joe <joe@x>',
    ]);
  });

  test('HEALTHCHECK leaves out what is inherited', () => {
    const draft = build(busybox, [
      instruction({
        kind: 'healthcheck',
        check: {
          kind: 'cmd',
          command: shell('wget -q x'),
          intervalNs: 5e9,
          timeoutNs: 3e9,
          startPeriodNs: 1e9,
          startIntervalNs: 0,
          retries: 2,
        },
      }),
    ]);
    expect(draft.config.Healthcheck).toEqual({
      Test: ['CMD-SHELL', 'wget -q x'],
      Interval: 5e9,
      Timeout: 3e9,
      StartPeriod: 1e9,
      Retries: 2,
    });
    expect(texts(draft)).toEqual(['HEALTHCHECK &{["CMD-SHELL" "wget -q x"] "5s" "3s" "1s" "0s" \'\\x02\'}']);
    const none = build(draft, [instruction({ kind: 'healthcheck', check: { kind: 'none' } })]);
    expect(none.config.Healthcheck).toEqual({ Test: ['NONE'] });
    expect(texts(none).at(-1)).toBe('HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}');
  });

  test('ONBUILD collects triggers, leaves no history, and is not inherited', () => {
    const draft = build(busybox, [
      instruction({ kind: 'onbuild', trigger: 'RUN echo trig' }),
      instruction({ kind: 'onbuild', trigger: 'COPY . /o' }),
    ]);
    expect(draft.config.OnBuild).toEqual(['RUN echo trig', 'COPY . /o']);
    expect(draft.history).toEqual([]);
    expect(draftFromStage(draft).config).not.toHaveProperty('OnBuild');
  });
});

describe('WORKDIR', () => {
  // Each was tried with `docker build`.
  test.each([
    ['', '/app/', '/app/'],
    ['', '/a//b/./c', '/a//b/./c'],
    ['/x', '/a/../../b', '/a/../../b'],
    ['', '.', '/'],
    ['/app/', '..', '/'],
    ['/', 'a//b/./c', '/a/b/c'],
    ['/app', 'sub', '/app/sub'],
    ['/a', '../../../b', '/b'],
  ])('from %j to %j is %j', (current, path, result) => {
    expect(resolveWorkdir(current, path)).toBe(result);
  });

  test('is shown as where it leads', () => {
    const draft = build(scratchDraft({ os: 'linux', architecture: 'amd64' }), [
      instruction({ kind: 'workdir', path: 'app' }),
      instruction({ kind: 'workdir', path: 'sub' }),
    ]);
    expect(texts(draft)).toEqual(['WORKDIR /app', 'WORKDIR /app/sub']);
    expect(draft.config.WorkingDir).toBe('/app/sub');
  });
});

describe('the history', () => {
  test('marks what made no layer', () => {
    const draft = build(busybox, [
      instruction({ kind: 'run', command: shell('true') }),
      instruction({ kind: 'user', user: 'x' }),
    ]);
    expect(draft.history).toEqual([
      { created_by: 'RUN /bin/sh -c true # buildkit', comment: 'buildkit.dockerfile.v0' },
      { created_by: 'USER x', comment: 'buildkit.dockerfile.v0', empty_layer: true },
    ]);
  });

  test('keeps the time of a layer', () => {
    const run = instruction({ kind: 'run', command: exec('a', '$FOO " q') });
    const draft = applyInstruction(busybox, run, { args: [], madeLayer: true, created: 1_000_000_000_500 });
    expect(draft.history).toEqual([
      {
        created: '2001-09-09T01:46:40.500Z',
        created_by: 'RUN a $FOO " q # buildkit',
        comment: 'buildkit.dockerfile.v0',
      },
    ]);
  });

  test('COPY and ADD show owner, mode, sources and destination, not --from or --link', () => {
    const draft = build(busybox, [
      instruction({ kind: 'copy', ...transfer, from: 'b', sources: ['f1', 'f2'], destination: 'dest/' }),
      instruction({
        kind: 'copy',
        from: undefined,
        sources: ['f?'],
        destination: '/c',
        chown: '1:2',
        chmod: '644',
        link: true,
      }),
      instruction({ kind: 'add', ...transfer, sources: ['f1'], destination: '/a b' }),
    ]);
    expect(texts(draft)).toEqual([
      'COPY f1 f2 dest/ # buildkit',
      'COPY --chown=1:2 --chmod=644 f? /c # buildkit',
      'ADD f1 /a b # buildkit',
    ]);
  });

  test('ARG shows the values it got, each where it stands', () => {
    const args = [
      { name: 'A', value: '1' },
      { name: 'B', value: undefined },
      { name: 'A', value: '2' },
    ];
    expect(texts(build(busybox, [instruction({ kind: 'arg', args })], args))).toEqual(['ARG A=1 B A=2']);
  });

  test('RUN shows the arguments in scope, each once', () => {
    const args = [
      { name: 'FOO', value: 'cli' },
      { name: 'NOVAL', value: undefined },
      { name: 'FOO', value: 'again' },
      { name: 'U', value: 'a b' },
    ];
    const run = instruction({ kind: 'run', command: shell('echo') });
    expect(texts(build(busybox, [run], args))).toEqual(['RUN |3 FOO=again NOVAL= U=a b /bin/sh -c echo # buildkit']);
  });

  // `docker build` does so, though its reference says that ENV always wins.
  test('the last of ARG and ENV wins, for commands and for the history; an ARG without a value changes nothing', () => {
    const env = instruction({ kind: 'env', pairs: [{ key: 'FOO', value: 'env' }] });
    const set = instruction({ kind: 'arg', args: [{ name: 'FOO', value: 'arg' }] });
    const unset = instruction({ kind: 'arg', args: [{ name: 'FOO', value: undefined }] });
    const run = instruction({ kind: 'run', command: shell('echo') });
    const seen = (...instructions: readonly Instruction[]): unknown => {
      const args = instructions.flatMap((each) => (each.kind === 'arg' ? each.args : []));
      const draft = build(busybox, [...instructions, run], args);
      return [visibleVariables(draft).get('FOO'), texts(draft).at(-1)];
    };
    const shown = (value: string): unknown => [value, `RUN |1 FOO=${value} /bin/sh -c echo # buildkit`];
    expect(seen(set, env)).toEqual(shown('env'));
    expect(seen(env, set)).toEqual(shown('arg'));
    expect(seen(env, set, env)).toEqual(shown('env'));
    expect(seen(set, env, unset)).toEqual(shown('env'));
    expect(build(busybox, [env, set]).config.Env).toContain('FOO=env');
  });
});
