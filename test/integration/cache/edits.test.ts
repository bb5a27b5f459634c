import { chmodSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { openShell } from '../../helpers/shell.ts';
import type { Shell } from '../../helpers/shell.ts';
import type { Tree } from '../../helpers/tree.ts';

/** What a person did between two builds, and what `cache why` then says of each step that ran again. */
interface Edit {
  readonly edit: string;
  readonly files: Tree;
  /** In a shell whose working directory is the context. */
  readonly script?: string;
  readonly change?: (context: string) => void;
  /** Of the second build. */
  readonly options?: readonly string[];
  /** The first build is expected to fail. */
  readonly fails?: boolean;
  /** Text of the step → the sentence. Every step that ran is named. */
  readonly expected: Readonly<Record<string, string>>;
}

const write =
  (path: string, content: string): ((context: string) => void) =>
  (context) =>
    writeFileSync(join(context, path), content);
const dockerfile = (...lines: readonly string[]): string => `FROM base\n${lines.join('\n')}\n`;

const copied: Tree = {
  Dockerfile: dockerfile('COPY src /src', 'RUN ls /src'),
  'src/a': 'a',
  'src/b': 'b',
  'src/link': { link: 'a' },
};
const copy = 'COPY src /src';
const behindCopy = { 'RUN ls /src': `an earlier step gave another result: ${copy}` };

const edits: readonly Edit[] = [
  {
    edit: 'the content of a file',
    files: copied,
    change: write('src/a', 'A'),
    expected: { [copy]: 'content changed: src/a in the build context', ...behindCopy },
  },
  {
    edit: 'a file that is added',
    files: copied,
    change: write('src/new', ''),
    expected: { [copy]: 'added: src/new in the build context', ...behindCopy },
  },
  {
    edit: 'a file that is removed',
    files: copied,
    change: (context) => rmSync(join(context, 'src/b')),
    expected: { [copy]: 'removed: src/b in the build context', ...behindCopy },
  },
  {
    edit: 'the mode of a file',
    files: copied,
    change: (context) => chmodSync(join(context, 'src/b'), 0o700),
    expected: { [copy]: 'mode changed: src/b in the build context', ...behindCopy },
  },
  {
    edit: 'several files in several ways, of which five of a kind are named',
    files: copied,
    script: 'echo A > src/a; rm src/b; for i in 1 2 3 4 5 6 7; do echo $i > src/new$i; done',
    expected: {
      [copy]:
        'added: src/new1, src/new2, src/new3, src/new4, src/new5 and 2 more; removed: src/b; content changed: src/a in the build context',
      ...behindCopy,
    },
  },
  {
    edit: 'the target of a symbolic link',
    files: copied,
    change(context) {
      rmSync(join(context, 'src/link'));
      symlinkSync('b', join(context, 'src/link'));
    },
    expected: { [copy]: 'content changed: src/link in the build context', ...behindCopy },
  },
  {
    edit: 'a line of .dockerignore',
    files: { ...copied, 'src/a': 'not ignored' },
    change: write('.dockerignore', 'src/b\n'),
    expected: { [copy]: 'removed: src/b in the build context', ...behindCopy },
  },
  {
    edit: 'a build argument',
    files: { Dockerfile: dockerfile('ARG MODE=fast', 'RUN echo $MODE') },
    options: ['--build-arg', 'MODE=safe'],
    expected: {
      'ARG MODE=fast': 'the instruction changed: it was "ARG MODE=fast", now "ARG MODE=safe"',
      'RUN echo $MODE': 'the value of MODE changed: it was "fast", now "safe"',
    },
  },
  {
    edit: 'a build argument that had no value',
    files: { Dockerfile: dockerfile('ARG TOKEN', 'RUN echo $TOKEN') },
    options: ['--build-arg', 'TOKEN=x'],
    expected: {
      'ARG TOKEN': 'the instruction changed: it was "ARG TOKEN", now "ARG TOKEN=x"',
      'RUN echo $TOKEN': 'the value of TOKEN changed: it is new, "x"',
    },
  },
  {
    edit: 'a value of ENV',
    files: { Dockerfile: dockerfile('ENV MODE=fast', 'RUN echo $MODE > /m') },
    change: write('Dockerfile', dockerfile('ENV MODE=safe', 'RUN echo $MODE > /m')),
    expected: {
      'ENV MODE=safe': 'the instruction changed: it was "ENV MODE=fast", now "ENV MODE=safe"',
      'RUN echo $MODE > /m': 'the value of MODE changed: it was "fast", now "safe"',
    },
  },
  {
    edit: 'the text of an instruction',
    files: { Dockerfile: dockerfile('RUN echo one') },
    change: write('Dockerfile', dockerfile('RUN echo two')),
    expected: { 'RUN echo two': 'the instruction changed: it was "RUN echo one", now "RUN echo two"' },
  },
  {
    edit: 'an earlier step',
    files: { Dockerfile: dockerfile('RUN echo 1 > /x', 'RUN true') },
    change: write('Dockerfile', dockerfile('RUN echo 2 > /x', 'RUN true')),
    expected: {
      'RUN echo 2 > /x': 'the instruction changed: it was "RUN echo 1 > /x", now "RUN echo 2 > /x"',
      'RUN true': 'an earlier step gave another result: RUN echo 2 > /x',
    },
  },
  {
    edit: 'the base image',
    files: { Dockerfile: 'FROM moving\nRUN true\n' },
    script: 'printf "FROM base\\nRUN echo 1 > /new\\n" | tbuild -q -t moving -',
    expected: { 'RUN true': 'an earlier step gave another result: FROM moving' },
  },
  {
    edit: 'a file of another stage',
    files: { Dockerfile: 'FROM base AS one\nRUN echo 3 > /x\nFROM base\nCOPY --from=one /x /x\n' },
    change: write('Dockerfile', 'FROM base AS one\nRUN echo 4 > /x\nFROM base\nCOPY --from=one /x /x\n'),
    expected: {
      'RUN echo 4 > /x': 'the instruction changed: it was "RUN echo 3 > /x", now "RUN echo 4 > /x"',
      'COPY --from=one /x /x': 'content changed: x in stage one',
    },
  },
  {
    edit: 'the user',
    files: { Dockerfile: dockerfile('USER 0', 'RUN id') },
    change: write('Dockerfile', dockerfile('USER 0:0', 'RUN id')),
    expected: {
      'USER 0:0': 'the instruction changed: it was "USER 0", now "USER 0:0"',
      'RUN id': 'user changed: it was "0", now "0:0"',
    },
  },
  {
    edit: 'the shell, in an instruction that is put in front',
    files: { Dockerfile: dockerfile('RUN echo 1') },
    change: write('Dockerfile', dockerfile('SHELL ["/bin/init", "sh", "-c"]', 'RUN echo 1')),
    expected: {
      'SHELL ["/bin/init", "sh", "-c"]': 'it has not been built before',
      'RUN echo 1': String.raw`shell changed: it was "[\"/bin/sh\",\"-c\"]", now "[\"/bin/init\",\"sh\",\"-c\"]"`,
    },
  },
  {
    edit: 'another instruction in the place of one',
    files: { Dockerfile: dockerfile('ENV X=1', 'RUN echo other') },
    change: write('Dockerfile', dockerfile('LABEL x=1', 'RUN echo other')),
    expected: {
      'LABEL x=1': 'the instruction changed: it was "ENV X=1", now "LABEL x=1"',
      'RUN echo other': 'the value of X changed: it was "1" and is gone',
    },
  },
  {
    edit: 'the working directory',
    files: { Dockerfile: dockerfile('WORKDIR /bin', 'RUN ls') },
    change: write('Dockerfile', dockerfile('WORKDIR /etc', 'RUN ls')),
    expected: {
      'WORKDIR /etc': 'the instruction changed: it was "WORKDIR /bin", now "WORKDIR /etc"',
      'RUN ls': 'workdir changed: it was "/bin", now "/etc"',
    },
  },
  {
    edit: 'the network',
    files: { Dockerfile: dockerfile('RUN true') },
    options: ['--network', 'none'],
    expected: { 'RUN true': 'network changed: it was "host", now "none"' },
  },
  {
    edit: 'the owner that COPY gives',
    files: { Dockerfile: dockerfile('COPY --chown=0:0 a /a'), a: '' },
    change: write('Dockerfile', dockerfile('COPY --chmod=600 a /a')),
    expected: { 'COPY --chmod=600 a /a': '--chmod changed: it is new, "600"' },
  },
  {
    edit: 'what a step finds in the image',
    files: { Dockerfile: dockerfile('RUN mkdir /app', 'COPY a /app/'), a: '' },
    change: write('Dockerfile', dockerfile('RUN mkdir /other', 'COPY a /app/')),
    expected: {
      'RUN mkdir /other': 'the instruction changed: it was "RUN mkdir /app", now "RUN mkdir /other"',
      'COPY a /app/': 'what it found in the image changed: /app was directory 755 0:0, now absent',
    },
  },
  {
    edit: 'a failure before',
    files: { Dockerfile: dockerfile('RUN test -e /nothing') },
    fails: true,
    expected: { 'RUN test -e /nothing': 'it had no result in the last build' },
  },
  {
    edit: 'a cache record that is pruned',
    files: { Dockerfile: dockerfile('RUN echo pruned > /x') },
    script: 'tbuild rmi app > /dev/null && tbuild prune --all > /dev/null',
    expected: { 'RUN echo pruned > /x': 'its cache record has been removed from the store' },
  },
  {
    edit: 'a layer that is removed by hand',
    files: { Dockerfile: dockerfile('RUN echo by hand > /x') },
    script:
      'rm -r "$(dirname "$(tbuild history --json app | head -n 1 | sed \'s/.*"directory":"\\([^"]*\\)".*/\\1/\')")"',
    expected: { 'RUN echo by hand > /x': 'its layer has been removed from the store' },
  },
  {
    edit: 'nothing, and --no-cache',
    files: { Dockerfile: dockerfile('RUN true') },
    options: ['--no-cache'],
    expected: { 'RUN true': '--no-cache was given' },
  },
];

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
  await shell.tbuild('tag', 'base', 'moving');
});
afterAll(() => shell[Symbol.dispose]());

interface Report {
  readonly steps: readonly {
    readonly text: string;
    readonly outcome: string;
    readonly cause?: { readonly kind: string; readonly message: string };
  }[];
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('cache why names what changed between two builds', () => {
  test('there are 20 edits and more', () => {
    expect(edits.length).toBeGreaterThanOrEqual(20);
  });

  test.each(edits)('$edit', async ({ files, script, change, options = [], fails = false, expected }) => {
    const context = shell.context(files);
    const first = await shell.tbuild('-t', 'app', context);
    expect(first.status, first.stderr).toBe(fails ? 1 : 0);
    if (script !== undefined)
      expect(await shell.sh(`cd ${context} && ${script}`)).toMatchObject({ status: 0, stderr: '' });
    change?.(context);
    const { stdout: progress } = await shell.tbuild(...options, context);

    const { stdout: why } = await shell.tbuild('cache', 'why');
    for (const [step, sentence] of Object.entries(expected)) {
      const outcome = fails ? 'failed' : 'ran';
      expect(shell.stable(why)).toContain(` : ${step}\n ---> ${outcome} (<time>), because ${sentence}\n`);
      if (!/^(--no-cache was given|it has not been built before)$/.test(sentence))
        expect(progress).toContain(` : ${step}\n ---> Not cached: ${sentence}\n`);
    }

    const { steps } = JSON.parse((await shell.tbuild('cache', 'why', '--json')).stdout) as Report;
    const explained = steps.filter(({ cause }) => cause !== undefined);
    expect(Object.fromEntries(explained.map(({ text, cause }) => [text, cause?.message]))).toEqual(expected);
    expect(explained.every(({ outcome }) => outcome === (fails ? 'failed' : 'executed'))).toBe(true);
  });
});
