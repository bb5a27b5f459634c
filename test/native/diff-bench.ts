import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { endOfInput, fieldsOf, startRawHelper } from './raw-client.ts';
import type { RawAnswer, RawField, RawFrame, RawHelper } from './raw-client.ts';
import { makeWorkspace } from './workspace.ts';

/** A helper and a directory for the tests of one file. */
export interface DiffBench extends AsyncDisposable {
  readonly helper: RawHelper;
  /** Ends with a slash. */
  readonly path: string;
  /** The diff directory of the last {@link write}. */
  readonly diff: string;
  write(frames: readonly RawFrame[], ...request: RawField[]): Promise<RawAnswer>;
  commit(diff: string, ...request: RawField[]): Promise<RawAnswer>;
  /** A new directory with these files and an empty directory `sub`. */
  makeSource(files: Readonly<Record<string, string>>): string;
}

export function openDiffBench(argv?: readonly string[]): DiffBench {
  const helper = startRawHelper(argv);
  const workspace = makeWorkspace();
  let count = 0;
  let diff = '';
  return {
    helper,
    path: workspace.path,
    get diff() {
      return diff;
    },
    async write(frames, ...request) {
      diff = `${workspace.path}diff${count++}`;
      return await helper.call(
        [['op', 'write'], ['diff', diff], ...root(request), ...request],
        [...frames, endOfInput],
      );
    },
    commit: (directory, ...request) =>
      helper.call([['op', 'commit'], ['diff', directory], ...root(request), ...request]),
    makeSource(files) {
      const source = `${workspace.path}source${count++}`;
      mkdirSync(`${source}/sub`, { recursive: true });
      for (const [path, content] of Object.entries(files)) writeFileSync(`${source}/${path}`, content);
      return source;
    },
    async [Symbol.asyncDispose]() {
      await helper.stop();
      workspace[Symbol.dispose]();
    },
  };
}

/** Fields of the result of an operation that must have succeeded. */
export function result(answer: RawAnswer): Record<string, string> {
  expect(answer.last, JSON.stringify([...answer.fields])).toBe('X');
  return Object.fromEntries(answer.fields);
}

/** What failed: step and errno. */
export function failure(answer: RawAnswer): readonly [op: string | undefined, errno: number] {
  expect(answer.last).toBe('!');
  return [answer.fields.get('op'), Number(answer.fields.get('errno'))];
}

export function events(answer: RawAnswer): Record<string, string>[] {
  return answer.frames
    .filter((frame) => frame.type === 'P')
    .map((frame) => Object.fromEntries(fieldsOf(frame.payload)));
}

/** Lines of the listing in the answer. */
export function lines(answer: RawAnswer): string[] {
  result(answer);
  return answer.bytes('L').toString('latin1').split('\n').slice(0, -1);
}

export function stamps(path: string): string {
  const status = statSync(path, { bigint: true });
  return `${status.size}:${status.mtimeNs}:${status.ctimeNs}`;
}

/** The `user.*` attributes as they are on disk, in hexadecimal. Python has the calls for it that Node lacks. */
export function xattrsOnDisk(path: string): Record<string, string> {
  const script = `import os, sys, json
p = sys.argv[1]
print(json.dumps({n: os.getxattr(p, n, follow_symlinks=False).hex() for n in os.listxattr(p, follow_symlinks=False) if n.startswith("user.")}))`;
  return JSON.parse(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' })) as Record<string, string>;
}

function root(request: readonly RawField[]): RawField[] {
  return request.some(([key]) => key === 'root-mode') ? [] : [['root-mode', '755']];
}
