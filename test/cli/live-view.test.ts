import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeTar } from '../../src/demo/tar-writer.ts';
import { lacks } from '../helpers/capabilities.ts';
import { programPath } from '../helpers/program.ts';
import { startRegistry } from '../helpers/registry.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';
import { cookedMode, openTerminal } from '../helpers/terminal.ts';
import type { TestTerminal } from '../helpers/terminal.ts';
import { createVt } from '../helpers/vt.ts';
import type { Vt } from '../helpers/vt.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

interface Options {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: NodeJS.ProcessEnv;
}

const open = (argv: readonly string[], { columns, rows, env }: Options = {}): Promise<TestTerminal> =>
  openTerminal([process.execPath, programPath, ...argv], {
    env: { ...shell.environment, LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1', ...env },
    ...(columns === undefined ? {} : { columns }),
    ...(rows === undefined ? {} : { rows }),
  });

/** The screen that all of the output makes; throws when something got there that should not. */
function screenOf(output: string, { columns = 80, rows = 24 }: Options = {}): Vt {
  const vt = createVt({ columns, rows });
  vt.write(output);
  return vt;
}

async function lastScreen(
  terminal: TestTerminal,
  options?: Options,
): Promise<{ status: number; vt: Vt; lines: readonly string[] }> {
  const { status, output, mode } = await terminal.ended;
  const vt = screenOf(output, options);
  expect({ shown: vt.isCursorShown, breaks: vt.breaksLines, column: vt.column, mode }).toEqual({
    shown: true,
    breaks: true,
    column: 0,
    mode: cookedMode,
  });
  return {
    status,
    vt,
    lines: vt.lines().map((line) =>
      shell
        .stable(line)
        .replace(/context-\d+/, 'context')
        // The base is a program that this machine's compiler and C library made.
        .replace(/\(\d{3}kB\)/, '(<size>)')
        .replaceAll(/ +(?=<time>|cached|stopped)/g, '  '),
    ),
  };
}

/** Everything so far, once a picture shows this. */
async function until(terminal: TestTerminal, pattern: RegExp): Promise<string> {
  let output = '';
  for (;;) {
    output += await terminal.expect(/./s);
    if (pattern.test(output)) return output;
  }
}

const temporary = (): readonly string[] => readdirSync(join(shell.directory, 'store/tmp'));

describe.skipIf(lacks('user-namespaces', 'overlay', 'tool:python3'))('the live view', () => {
  test('shows the output of a step while it comes; in the end its last lines stay', async () => {
    const context = shell.context({
      Dockerfile: 'FROM base\nRUN echo one; sleep 1; echo two; sleep 1\nCOPY a /a\n',
      a: 'x',
    });
    using terminal = await open(['-t', 'live', context]);
    const vt = screenOf(await until(terminal, /one\r/));
    expect(vt.isCursorShown).toBe(false);
    expect(vt.lines()).toEqual([
      '✔ Step 1/3 : FROM base',
      expect.stringMatching(/^. Building +1\/3 steps {2}\d\.\ds$/),
      expect.stringMatching(/^→ Step 2\/3 : RUN echo one; .*s$/),
      '    one',
    ]);
    const { status, lines } = await lastScreen(terminal);
    expect(status).toBe(0);
    expect(lines).toMatchInlineSnapshot(`
      [
        "✔ Step 1/3 : FROM base",
        "✔ Step 2/3 : RUN echo one; sleep 1; echo two; sleep 1  <time>",
        "    one",
        "    two",
        "✔ Step 3/3 : COPY a /a  <time>",
        "✔ Built <id> (<size>) in  <time>: 2 steps run, 0  cached",
        "  live:latest",
      ]
    `);
  });

  test('of a cached build is a line a step, and what was saved', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nRUN sleep 0.3\nENV A=1\n' });
    await shell.tbuild('-q', context);
    using terminal = await open([context]);
    expect((await lastScreen(terminal)).lines).toMatchInlineSnapshot(`
      [
        "✔ Step 1/3 : FROM base",
        "✔ Step 2/3 : RUN sleep 0.3  cached",
        "✔ Step 3/3 : ENV A=1  cached",
        "✔ Built <id> (<size>) in  <time>: 0 steps run, 2  cached,  <time> saved",
      ]
    `);
  });

  test('of a failure ends with all of the output, then the error, and says which steps had to stop', async () => {
    const context = shell.context({
      Dockerfile:
        'FROM base AS slow\nRUN echo up; sleep 60\nFROM base\nRUN cat /missing; sleep 1; echo last words; exit 5\nCOPY --from=slow /x /x\n',
    });
    using terminal = await open([context], { columns: 120 });
    const { status, lines } = await lastScreen(terminal, { columns: 120 });
    expect(status).toBe(1);
    expect(lines.slice(2)).toMatchInlineSnapshot(`
      [
        "■ Step 2/5 : RUN echo up; sleep 60  stopped  <time>",
        "    up",
        "✖ Step 4/5 : RUN cat /missing; sleep 1; echo last words; exit 5  <time>",
        "    init: /missing: No such file or directory",
        "    last words",
        "ERROR: The command '/bin/sh -c cat /missing; sleep 1; echo last words; exit 5' returned a non-zero code: 5",
        "<dir>/context/Dockerfile:4",
        "  2 | RUN echo up; sleep 60",
        "  3 | FROM base",
        "> 4 | RUN cat /missing; sleep 1; echo last words; exit 5",
        "    | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
        "  5 | COPY --from=slow /x /x",
        "(TBUILD_RUN_FAILED)",
      ]
    `);
    expect(temporary()).toEqual([]);
  });

  test('lets no escape sequence of a command or a Dockerfile through, not even in the error', async () => {
    const hostile = '\u001b[2J\u001b[1;1Hgone\u001b]0;title\u0007\u001b[?1049h\u001b[31mred\u001b[6n\u009b2J\b\b';
    const context = shell.context({
      Dockerfile: `FROM base\nLABEL x="${hostile}"\nCOPY hostile /h\nRUN cat /h; sleep 1; cat /h; exit 1\n`,
      hostile: `${hostile}\n`,
    });
    using terminal = await open([context]);
    // The screen throws at what it does not know.
    const { lines } = await lastScreen(terminal);
    expect(lines.filter((line) => line === '    gonered')).toHaveLength(2);
    expect(lines).toContain('✔ Step 2/4 : LABEL x="gonered"  <time>');
  });

  test('of 100 MB of output keeps the end in bounded memory', async () => {
    const big = Array.from({ length: 200_000 }, (_, line) => `output line ${line}, with some more words on it\n`).join(
      '',
    );
    const count = Math.ceil(1e8 / big.length);
    const context = shell.context({ Dockerfile: `FROM base\nCOPY big /big\nRUN cat${' /big'.repeat(count)}\n`, big });
    using terminal = await open([context]);
    let peak = 0;
    const poll = setInterval(() => {
      peak = Math.max(peak, peakMemory(terminal.pid) ?? 0);
    }, 50);
    const { status, lines } = await lastScreen(terminal).finally(() => clearInterval(poll));
    expect(status).toBe(0);
    const at = lines.findIndex((line) => line.includes('lines before'));
    expect(lines.slice(at, at + 6)).toEqual([
      `    … ${200_000 * count - 5} lines before, ${Math.round((big.length * count) / 1e6)}MB in all`,
      ...[5, 4, 3, 2, 1].map((left) => `    output line ${200_000 - left}, with some more words on it`),
    ]);
    expect(peak).toBeGreaterThan(10e6);
    expect(peak).toBeLessThan(250e6);
  });

  test('counts the bytes of a pull', async () => {
    await using registry = await startRegistry();
    const layer = Buffer.concat([...writeTar([{ path: 'big', mode: 0o644, content: randomBytes(2_000_000) }])]);
    registry.putImage('slow:latest', { layers: [layer] });
    registry.addFault({ path: /blobs/, action: { kind: 'slow', bytes: 200_000, delayMs: 100 } });
    const context = shell.context({ Dockerfile: `FROM ${registry.host}/slow\n` });
    using terminal = await open([context]);
    await until(terminal, /pulling [\d.]+MB\/2MB {2}\d/);
    const { lines } = await lastScreen(terminal);
    expect(lines[0]).toMatch(/^✔ Step 1\/1 : FROM localhost:\d+\/slow +pulled 2MB {2}<time>$/);
  });
});

/** Bytes; undefined when the process is gone. */
function peakMemory(pid: number): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

describe.skipIf(lacks('user-namespaces', 'overlay', 'tool:python3'))(
  'a build on a terminal that is interrupted',
  () => {
    const start = (): Promise<TestTerminal> =>
      open([shell.context({ Dockerfile: 'FROM base\nRUN echo up; sleep 60\n' })]);

    test('by Ctrl-C cleans up, says what was stopped, and leaves the terminal as it was', async () => {
      using terminal = await start();
      await until(terminal, /up\r/);
      terminal.type('\u0003');
      const { status, lines } = await lastScreen(terminal);
      expect(status).toBe(130);
      expect(lines).toEqual([
        '✔ Step 1/2 : FROM base',
        '■ Step 2/2 : RUN echo up; sleep 60  stopped  <time>',
        '    up',
        'interrupted by SIGINT',
      ]);
      expect(temporary()).toEqual([]);
    });

    test('twice ends at once, and leaves the terminal as it was all the same', async () => {
      using terminal = await start();
      await until(terminal, /up\r/);
      terminal.type('\u0003\u0003');
      const { status, lines } = await lastScreen(terminal);
      expect(status).toBe(130);
      expect(lines).toContain('■ Step 2/2 : RUN echo up; sleep 60  stopped  <time>');
    });

    test('by Ctrl-Z gives the terminal back, and goes on drawing afterwards', async () => {
      using terminal = await start();
      const before = await until(terminal, /up\r/);
      process.kill(terminal.pid, 'SIGTSTP');
      const stopped = before + (await until(terminal, /\[\?25h/));
      expect(screenOf(stopped).lines()).toEqual(['✔ Step 1/2 : FROM base']);
      await expect.poll(() => readFileSync(`/proc/${terminal.pid}/stat`, 'utf8')).toMatch(/\) T /);
      process.kill(terminal.pid, 'SIGCONT');
      expect(screenOf(stopped + (await until(terminal, /up\r/))).isCursorShown).toBe(false);
      terminal.type('\u0003');
      expect((await lastScreen(terminal)).status).toBe(130);
    });

    test('by the end of the terminal cleans up', async () => {
      using terminal = await start();
      await until(terminal, /up\r/);
      terminal.hangUp();
      expect((await terminal.ended).status).toBe(129);
      expect(temporary()).toEqual([]);
    });
  },
);

describe.skipIf(lacks('user-namespaces', 'overlay', 'tool:python3'))('a terminal', () => {
  const dockerfile = 'FROM base\nCOPY text /text\nRUN cat /text; sleep 1\n';
  const text = '\u001b[31mnaïve 日本\u001b[0m \u001b[2Jwords that are too long for a narrow terminal\n';

  test('of 20 columns gets lines that fit', async () => {
    const size = { columns: 20, rows: 10 };
    using terminal = await open([shell.context({ Dockerfile: dockerfile, text })], size);
    const { lines, vt } = await lastScreen(terminal, size);
    expect(lines.slice(0, 4)).toEqual([
      '✔ 1/3 FROM base',
      '✔ 2/3 COPY t…  <time>',
      '✔ 3/3 RUN ca…  <time>',
      '  naïve 日本 words…',
    ]);
    expect(Math.max(...vt.lines().map(({ length }) => length))).toBeLessThan(20);
  });

  test('that is made narrower is drawn anew', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nRUN echo some words that are long enough; sleep 3\n' });
    using terminal = await open([context]);
    const vt = screenOf(await until(terminal, /enough\r/));
    terminal.resize(24, 30);
    vt.resize(30);
    vt.write(await until(terminal, /some words that are long e…\r/));
    expect(vt.lines().slice(-3)).toEqual([
      expect.stringMatching(/^. Building +1\/2 steps {2}\d\.\ds$/),
      expect.stringMatching(/^→ 2\/2 RUN echo some.* {2}\d\.\ds$/),
      '  some words that are long e…',
    ]);
    terminal.type('\u0003');
    expect((await terminal.ended).status).toBe(130);
  });

  test('that does not take UTF-8 gets ASCII, also in the error', async () => {
    const context = shell.context({ Dockerfile: `${dockerfile}RUN cat /text; exit 3 # é\n`, text });
    using terminal = await open([context], { env: { LC_ALL: 'C' } });
    const { output } = await terminal.ended;
    expect(output).toMatch(/^[\0-~]*$/);
    expect(output).toContain('na?ve ??');
  });

  test('has colours without NO_COLOR', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\n' });
    using terminal = await open([context], { env: { NO_COLOR: '' } });
    expect((await terminal.ended).output).toContain('\u001b[32m✔\u001b[39m Built');
  });

  test.each([
    ['TERM=dumb', { TERM: 'dumb' }],
    ['TBUILD_PROGRESS=plain', { TBUILD_PROGRESS: 'plain' }],
  ])('with %s gets lines: colours of commands pass, nothing else does', async (_, env) => {
    using terminal = await open(['--no-cache', shell.context({ Dockerfile: dockerfile, text })], { env });
    const { output } = await terminal.ended;
    expect(output).toContain(
      '\r\n\u001b[31mnaïve 日本\u001b[0m words that are too long for a narrow terminal\u001b[0m\r\n ---> ',
    );
    expect(screenOf(output).lines()[0]).toBe('Step 1/3 : FROM base');
  });

  test('gets the live view also when standard output goes elsewhere, where nothing is written then', async () => {
    const context = shell.context({ Dockerfile: dockerfile, text });
    const file = join(shell.directory, 'stdout');
    using terminal = await openTerminal(['sh', '-c', `tbuild ${context} > ${file}`], {
      env: { ...shell.environment, LANG: 'C.UTF-8', TERM: 'xterm', NO_COLOR: '1' },
    });
    expect((await lastScreen(terminal)).lines).toContain('✔ Step 1/3 : FROM base');
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  test('gets nothing but the id with --quiet', async () => {
    using terminal = await open(['-q', shell.context({ Dockerfile: 'FROM base\n' })]);
    expect((await terminal.ended).output).toMatch(/^sha256:[0-9a-f]{64}\r\n$/);
  });

  test('shows how an import comes along', async () => {
    using terminal = await open(['import', join(shell.directory, 'base.tar'), 'again']);
    const { lines } = await lastScreen(terminal);
    expect(lines[0]).toMatch(/^✔ Imported .* {2}<time>$/);
    expect(lines[1]).toMatch(/^sha256:<id>$/);
    using other = await open(['import', join(shell.directory, 'base.tar'), 'again'], {
      env: { TBUILD_PROGRESS: 'plain' },
    });
    expect((await other.ended).output).toMatch(/^sha256:[0-9a-f]{64}\r\n$/);
  });
});
