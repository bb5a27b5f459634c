import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

const dockerfile = 'FROM base\nARG MODE=fast\nCOPY a /a\nRUN cat /a; echo $MODE\nENV X=1\nCMD ["cat", "/a"]\n';

describe.skipIf(lacks('user-namespaces', 'overlay'))('plain progress', () => {
  test('of a first build: steps, output of commands, layers with times, the image and its names', async () => {
    const context = shell.context({ Dockerfile: dockerfile, a: 'hello\n' });
    const { status, stdout, stderr } = await shell.tbuild('-t', 'app', '-t', 'registry.example/team/app:2', context);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(shell.stable(stdout)).toMatchInlineSnapshot(`
      "Step 1/6 : FROM base
       ---> <id>
      Step 2/6 : ARG MODE=fast
      Step 3/6 : COPY a /a
       ---> <id> (<time>)
      Step 4/6 : RUN cat /a; echo $MODE
      hello
      fast
       ---> <id> (<time>)
      Step 5/6 : ENV X=1
      Step 6/6 : CMD ["cat", "/a"]
      Successfully built <id>
      Successfully tagged app:latest
      Successfully tagged registry.example/team/app:2
      "
    `);
  });

  test('of a cached build: every step says so, and the image is the same', async () => {
    const context = shell.context({ Dockerfile: dockerfile, a: 'hello\n' });
    const first = await shell.tbuild('-q', context);
    const { stdout } = await shell.tbuild(context);
    expect(shell.stable(stdout)).toMatchInlineSnapshot(`
      "Step 1/6 : FROM base
       ---> <id>
      Step 2/6 : ARG MODE=fast
       ---> Using cache
      Step 3/6 : COPY a /a
       ---> Using cache
       ---> <id>
      Step 4/6 : RUN cat /a; echo $MODE
       ---> Using cache
       ---> <id>
      Step 5/6 : ENV X=1
       ---> Using cache
      Step 6/6 : CMD ["cat", "/a"]
       ---> Using cache
      Successfully built <id>
      "
    `);
    expect(stdout).toContain(`Successfully built ${first.stdout.slice(7, 19)}\n`);
  });

  test('of a failure: the place with a caret, the status, the last output, exit status 1; no name moves', async () => {
    const context = shell.context({
      Dockerfile: 'FROM base\nRUN true\n\nRUN ls /one || \\\n    ls /two || missing-program\nRUN true\n',
    });
    const { status, stdout, stderr } = await shell.tbuild('-t', 'broken', context);
    expect(status).toBe(1);
    expect(shell.stable(stdout)).toMatchInlineSnapshot(`
      "Step 1/4 : FROM base
       ---> <id>
      Step 2/4 : RUN true
       ---> <id> (<time>)
      Step 3/4 : RUN ls /one ||     ls /two || missing-program
      init: /one: No such file or directory
      init: /two: No such file or directory
      init: missing-program: No such file or directory
      "
    `);
    expect(shell.stable(stderr)).toMatchInlineSnapshot(`
      "ERROR: The command '/bin/sh -c ls /one ||     ls /two || missing-program' returned a non-zero code: 127
      <dir>/context-2/Dockerfile:4
        2 | RUN true
        3 | 
      > 4 | RUN ls /one || \\
          | ^^^^^^^^^^^^^^^^
      > 5 |     ls /two || missing-program
        6 | RUN true
      last output:
        init: /one: No such file or directory
        init: /two: No such file or directory
        init: missing-program: No such file or directory
      hint: a program was not found: is it installed in the image, and is PATH right?
      (TBUILD_RUN_FAILED)
      "
    `);
    expect((await shell.tbuild('inspect', 'broken')).status).toBe(1);
  });

  test('of two stages side by side: a line of output stands under its own step', async () => {
    const context = shell.context({
      Dockerfile:
        'FROM base AS a\nRUN echo a1; sleep 0.2; echo a2\nFROM base AS b\nRUN echo b1; sleep 0.2; echo b2\nFROM base\nCOPY --from=a /etc/passwd /a\nCOPY --from=b /etc/passwd /b\n',
    });
    const { status, stdout } = await shell.tbuild(context);
    expect(status).toBe(0);
    let step = '';
    for (const line of stdout.split('\n')) {
      step = /^Step .* : (.*)/.exec(line)?.[1] ?? step;
      const letter = /^([ab])[12]$/.exec(line)?.[1];
      if (letter !== undefined) expect(step).toContain(`echo ${letter}1`);
    }
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['a1', 'a2', 'b1', 'b2']));
  });

  test('warns of a build argument that nothing declares', async () => {
    const context = shell.context({ Dockerfile: 'FROM scratch\nCOPY a /\n', a: '' });
    const { stdout } = await shell.tbuild('--build-arg', 'MODUS=x', context);
    expect(stdout).toContain('WARNING: No ARG takes these build arguments: MODUS\n');
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('other ways to tell', () => {
  test('--progress=json: every line is an object whose type docs/events.md describes, from graph to image', async () => {
    const documented = new Set(
      [...readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8').matchAll(/^### (\S+)$/gm)].map(
        (match) => match[1],
      ),
    );
    const context = shell.context({ Dockerfile: dockerfile, a: 'json\n' });
    const { stdout } = await shell.tbuild('--progress=json', '--build-arg', 'UNUSED=1', '-t', 'json', context);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; time: string; step?: string; text?: string });
    for (const { type, time } of events) {
      expect(documented).toContain(type);
      expect(Date.parse(time)).not.toBeNaN();
    }
    const types = events.map(({ type }) => type);
    // However the output came in pieces.
    expect(types.filter((type, index) => type !== types[index - 1])).toMatchInlineSnapshot(`
      [
        "warning",
        "graph",
        "step:start",
        "step:done",
        "step:start",
        "step:done",
        "step:start",
        "step:cause",
        "step:done",
        "step:start",
        "step:cause",
        "step:log",
        "step:done",
        "step:start",
        "step:cause",
        "step:done",
        "step:start",
        "step:cause",
        "step:done",
        "image",
      ]
    `);
    const output = events.filter(({ type }) => type === 'step:log').map(({ text }) => text);
    expect(output.join('')).toBe('json\nfast\n');
    expect(events.at(-1)).toMatchObject({ type: 'image', names: ['docker.io/library/json:latest'] });
  });

  test('--progress=json of a failure ends with step:error, and the exit status is 1', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nRUN exit 4\n' });
    const { status, stdout, stderr } = await shell.tbuild('--progress=json', context);
    expect(status).toBe(1);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      type: 'step:error',
      step: '0.1',
      error: { code: 'TBUILD_RUN_FAILED', span: { line: 2 } },
    });
    expect(stderr).toContain('returned a non-zero code: 4');
  });

  test('-q prints the id and nothing else; --iidfile writes it without a newline', async () => {
    const context = shell.context({ Dockerfile: dockerfile, a: 'quiet\n' });
    const file = join(shell.directory, 'iid');
    const { stdout, stderr } = await shell.tbuild('-q', '--iidfile', file, context);
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(stderr).toBe('');
    expect(readFileSync(file, 'utf8')).toBe(stdout.trim());
  });

  test("--metadata-file has buildx's names, the steps and their causes, and appears only when the build succeeded", async () => {
    const context = shell.context({ Dockerfile: dockerfile, a: 'metadata\n' });
    const file = join(shell.directory, 'metadata.json');
    const archive = join(shell.directory, 'metadata.tar');
    const read = (): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const { stdout: id } = await shell.tbuild('-q', '-t', 'm:1', '-t', 'n', '--metadata-file', file, context);
    expect(read()).toMatchObject({
      'containerimage.config.digest': id.trim(),
      'containerimage.digest': id.trim(),
      'image.name': 'docker.io/library/m:1,docker.io/library/n:latest',
      'tbuild.build': { executed: expect.any(Number), durationMs: expect.any(Number) },
    });
    const { steps } = read()['tbuild.build'] as { steps: { outcome: string; cause?: object; record?: string }[] };
    expect(steps[0]).toMatchObject({ id: '0.0', number: 1, outcome: 'base' });
    expect(steps.find(({ cause }) => cause !== undefined)).toMatchObject({
      outcome: 'executed',
      cause: { kind: expect.any(String), message: expect.any(String) },
      record: expect.stringMatching(/^[0-9a-f]{64}$/),
    });

    await shell.tbuild('-q', '-o', `type=oci,dest=${archive}`, '--metadata-file', file, context);
    const { 'containerimage.descriptor': descriptor, ...exported } = read();
    const { digest } = descriptor as { digest: string };
    expect(exported).toMatchObject({ 'containerimage.config.digest': id.trim(), 'containerimage.digest': digest });
    expect(digest).not.toBe(id.trim());
    expect(exported).not.toHaveProperty('image.name');

    const failing = shell.context({ Dockerfile: 'FROM base\nRUN false\n' });
    expect((await shell.tbuild('--metadata-file', file, failing)).status).toBe(1);
    expect(read()).toMatchObject(exported);
    const { status, stderr } = await shell.tbuild('--metadata-file', '/nowhere/file', context);
    expect(stderr).toMatch(/^ERROR: --metadata-file \/nowhere\/file cannot be written\n.*\(TBUILD_OUTPUT\)\n$/s);
    expect(status).toBe(1);
  });

  test('a failed build leaves no --iidfile of an earlier one, and no link is removed', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nRUN false\n' });
    const file = join(shell.directory, 'old-iid');
    writeFileSync(file, 'sha256:old');
    expect((await shell.tbuild('-q', '--iidfile', file, context)).status).toBe(1);
    expect(existsSync(file)).toBe(false);
    const link = join(shell.directory, 'iid-link');
    symlinkSync(file, link);
    const good = shell.context({ Dockerfile: 'FROM base\n' });
    await shell.tbuild('-q', '--iidfile', link, good);
    expect(readFileSync(file, 'utf8')).toMatch(/^sha256:/);
  });

  test.each([['-'], ['type=tar'], ['type=tar,dest=-'], ['type=oci'], ['type=oci,dest=-']])(
    '--output %s: nothing but the archive is on standard output',
    async (output) => {
      const context = shell.context({ Dockerfile: 'FROM base\nCOPY a /only\n', a: '' });
      const { status, stdout, stderr } = await shell.sh(`tbuild -o ${output} ${context} | tar -t`);
      expect(status).toBe(0);
      expect(stdout.split('\n')).toContain(output.includes('oci') ? 'oci-layout' : 'only');
      expect(stderr).toContain('Successfully built');
    },
  );

  test('-q --output - prints the id to standard error', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\n' });
    const { stderr } = await shell.sh(`tbuild -q -o - ${context} | tar -t`);
    expect(stderr).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('options of a build', () => {
  test('--build-arg without a value takes that of the environment, and is unset without one', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nARG A=none\nARG B=none\nRUN echo "<$A $B>"\n' });
    const { stdout } = await shell.sh(`A=here tbuild --build-arg A --build-arg B ${context}`);
    expect(stdout).toContain('<here none>\n');
  });

  test('--label gives a label, an empty one without a value', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nLABEL a=file b=file\n' });
    await shell.tbuild('-t', 'labelled', '--label', 'a=flag', '--label', 'c', '--label', '__proto__=x', context);
    const { stdout } = await shell.tbuild('inspect', 'labelled');
    expect(stdout).toContain('"__proto__": "x"');
    expect(JSON.parse(stdout)).toMatchObject([{ Config: { Labels: { a: 'flag', b: 'file', c: '' } } }]);
  });

  test('-f takes a path relative to the working directory, and a pipe', async () => {
    const context = shell.context({ 'sub/Other': 'FROM base\nRUN echo from-other\n' });
    expect((await shell.sh(`cd ${context}/sub && tbuild -f Other ..`)).stdout).toContain('from-other');
    expect((await shell.sh(`echo FROM base | tbuild -q -f /dev/stdin ${context}`)).stdout).toMatch(/^sha256:/);
  });

  test('a malformed Dockerfile from a pipe has no excerpt, but a place', async () => {
    const { stderr } = await shell.sh(`echo FRMO base | tbuild -f /dev/stdin ${shell.context({})}`);
    expect(stderr).toContain('did you mean FROM?');
    expect(stderr).toContain('  at /dev/stdin:1\n');
  });

  test('names of Object.prototype are names as any other', async () => {
    const context = shell.context({
      Dockerfile: 'FROM base AS constructor\nFROM constructor\nCOPY --from=constructor /etc/passwd /p\n',
    });
    expect(await shell.tbuild('-q', context)).toMatchObject({ status: 0, stderr: '' });
  });
});
