import { describe, expect, test } from 'vitest';
import { expandInstruction } from '../../../src/dockerfile/expand-instruction.ts';
import { parseInstruction } from '../../../src/dockerfile/parse-instruction.ts';
import { readMount } from '../../../src/dockerfile/run-mount.ts';
import type { RunMount } from '../../../src/dockerfile/run-mount.ts';
import { sourceNames } from '../../../src/dockerfile/source-names.ts';

/** What `RUN --mount=TEXT` asks for, with variables. */
function mountOf(text: string, env: Readonly<Record<string, string>> = {}): RunMount {
  const parsed = parseInstruction(`RUN --mount=${text} true`, { file: 'Dockerfile' });
  const run = expandInstruction(parsed, new Map(Object.entries(env)), '\\');
  if (run.kind !== 'run' || run.mounts[0] === undefined) throw new Error('no mount');
  return readMount(run.mounts[0]);
}

describe('RUN --mount', () => {
  test.each([
    ['target=/x', { type: 'bind', from: undefined, source: '', target: '/x', readonly: true }],
    ['type=bind,from=st,src=a,dst=b,rw', { from: 'st', source: 'a', target: 'b', readonly: false }],
    ['source=a,destination=b,ro=false', { readonly: false }],
    ['target=/x,rw=true,readonly', { readonly: true }],
    ['target=/x,readwrite=0', { readonly: true }],
    ['Type=CACHE,Target=/x', { type: 'cache', target: '/x', id: undefined, sharing: 'shared', readonly: false }],
    [
      'type=cache,target=/x,id=a,sharing=LOCKED,mode=0700,uid=1,gid=2,from=st,source=/s,ro',
      { id: 'a', sharing: 'locked', mode: 0o700, uid: 1, gid: 2, from: 'st', source: '/s', readonly: true },
    ],
    ['type=tmpfs,target=/x', { type: 'tmpfs', size: undefined, readonly: false }],
    ['type=tmpfs,target=/x,size=1.5m,ro', { size: 1572864, readonly: true }],
    [
      'type=secret,id=a/b',
      {
        type: 'secret',
        id: 'a/b',
        target: '/run/secrets/b',
        env: undefined,
        required: false,
        mode: 0o400,
        uid: 0,
        gid: 0,
      },
    ],
    ['type=secret,target=/etc/token', { id: 'token', target: '/etc/token' }],
    ['type=secret,source=a', { id: 'a', target: '/run/secrets/a' }],
    ['type=secret,id=a,env=A', { target: undefined, env: 'A' }],
    [
      'type=secret,id=a,env=A,target=t,required,mode=0444,uid=5,gid=6',
      { target: 't', env: 'A', required: true, mode: 0o444, uid: 5, gid: 6 },
    ],
    ['type=ssh', { type: 'ssh', id: 'default', target: undefined, required: false, mode: 0o600 }],
    ['type=ssh,id=github,target=/a,required=1,mode=0666', { id: 'github', target: '/a', required: true, mode: 0o666 }],
    [String.raw`type=tmpfs,\"target=/a,b\"`, { target: '/a,b' }],
    ['type=tmpfs,"target=/a b"', { target: '/a b' }],
    ['type=tmpfs,target=/x,target=/y', { target: '/y' }],
  ])('%s', (text, options) => {
    expect(mountOf(text)).toMatchObject(options);
  });

  test('takes variables in every value but from', () => {
    const env = { TYPE: 'cache', DIR: '/d,e', SIZE: '', ID: 'i' };
    expect(mountOf('type=$TYPE,target=${DIR}/x,id=${ID}${UNSET:-z}', env)).toMatchObject({
      type: 'cache',
      target: '/d,e/x',
      id: 'iz',
    });
    expect(mountOf('target=/x,from=a$')).toMatchObject({ from: 'a$' });
  });

  // The messages of `docker build`.
  test.each([
    ['', 'failed to parse csv mounts: EOF'],
    ['target=/x,from=$A', "'from' doesn't support variable expansion, define alias stage instead"],
    ['type=foo,target=/x', 'unsupported mount type "foo"'],
    ['type=tmpf,target=/x', 'unsupported mount type "tmpf" (did you mean tmpfs?)'],
    ['target=/x,foo=bar', "unexpected key 'foo' in 'foo=bar'"],
    ['target=/x,sizee=5', "unexpected key 'sizee' in 'sizee=5' (did you mean size?)"],
    ['target', "invalid field 'target' must be a key=value pair"],
    ['target=/x,', "invalid field '' must be a key=value pair"],
    ['target=/x,mode=0755', 'mode not allowed for "bind" type mounts'],
    ['type=tmpfs,target=/x,uid=1', 'uid not allowed for "tmpfs" type mounts'],
    ['target=/x,rw=maybe', 'invalid value for rw: maybe'],
    ['type=tmpfs,target=/x,size=10x', 'invalid value for size: 10x'],
    ['type=cache,target=/x,size=1', "unexpected key 'size' for mount type 'cache'"],
    ['type=cache,target=/x,sharing=locke', 'unsupported sharing value "locke" (did you mean locked?)'],
    ['type=tmpfs,target=/x,sharing=shared', 'invalid cache sharing set for tmpfs mount'],
    ['type=cache,target=/x,required', "unexpected key 'required' for mount type 'cache'"],
    ['required,type=secret,id=a', "unexpected key 'required' for mount type 'bind'"],
    ['type=cache,target=/x,mode=999', 'invalid value 999 for mode'],
    ['type=cache,target=/x,uid=-1', 'invalid value -1 for uid'],
    ['type=cache,target=/x,gid=99999999999', 'invalid value 99999999999 for gid'],
    ['type=secret', 'invalid secret mount. one of source, target required'],
    ['type=secret,id=a,source=b', "both source and id can't be set"],
    ['type=secret,id=a,from=b', 'secret mount should not have a from'],
    ['type=secret,id=a,sharing=shared', 'secret mount should not define sharing'],
    ['type=ssh,source=a', 'ssh does not support source'],
    ['type=ssh,sharing=locked', 'invalid cache sharing set for ssh mount'],
  ])('refuses %j in docker’s words', (text, message) => {
    expect(() => mountOf(text)).toThrow(expect.objectContaining({ code: 'TBUILD_DOCKERFILE_SYNTAX', message }));
  });

  test.each([
    ['type=tmpfs,target=/x,source=/a', 'a tmpfs mount has no source'],
    ['type=secret,id=a,env=', '"" cannot be the name of a variable'],
    ['type=secret,id=a,env=A=B', '"A=B" cannot be the name of a variable'],
    ['target=/x,from=0', 'a mount takes a stage by its name, not by its number: from=0'],
  ])('refuses %j, which fails in docker later or in another way', (text, message) => {
    expect(() => mountOf(text)).toThrow(expect.objectContaining({ code: 'TBUILD_DOCKERFILE_SYNTAX', message }));
  });

  test('names the options that mean nothing for a type', () => {
    expect(mountOf('target=/x,id=a,env=B').unused).toEqual(['id', 'env']);
    expect(mountOf('type=cache,target=/x,env=B').unused).toEqual(['env']);
    expect(mountOf('type=ssh,ro,from=st').unused).toEqual(['readonly', 'from']);
    expect(mountOf('type=secret,id=a,rw').unused).toEqual(['readonly']);
    expect(mountOf('type=secret,id=a,required,env=B').unused).toEqual([]);
  });

  test('may be given often, before other flags and behind them', () => {
    const run = parseInstruction('RUN --mount=target=/a,from=x --network=none --mount=type=tmpfs,target=/b true', {
      file: 'f',
    });
    expect(run).toMatchObject({ network: 'none', command: { text: 'true' } });
    expect(run.kind === 'run' && run.mounts.length).toBe(2);
    expect(sourceNames(run)).toEqual(['x']);
  });

  test.each([
    ['RUN --mount true', 'missing a value on flag: --mount'],
    ['RUN --mounts=target=/x true', 'unknown flag: --mounts (did you mean mount?)'],
  ])('%s is refused', (text, message) => {
    expect(() => parseInstruction(text, { file: 'f' })).toThrow(message);
  });
});
