import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunCallbacks, RunningCommand } from '../../../src/native/helper-types.ts';
import { modes, openMachine } from './machine.ts';
import type { Machine, Ran } from './machine.ts';

const success = { kind: 'exit', exitCode: 0 };
const terminal = { rows: 24, columns: 80 };

const all = modes();

describe.each(all)('a terminal in a sandbox of $name', (mode) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine(mode);
  });
  afterAll(() => machine.close());

  const hasMany = mode.identity.sandbox.kind !== 'single';

  it('is standard input, output and error, the controlling terminal, and the console', async () => {
    const ran = await machine.sh(
      `for n in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/self/fd/$n ] && readlink /proc/self/fd/$n; done
       for place in /dev/tty /dev/console /dev/stdout; do echo $place > $place; done
       stat -c '%t:%T %a %u:%g' /dev/pts/0 /dev/console; ls -C /dev/pts
       read -r pid name state parent group session number foreground rest < /proc/self/stat
       echo group $group, session $session, terminal $number, foreground $foreground`,
      { terminal },
    );
    const tty = hasMany ? 5 : 0;
    expect(lines(ran)).toEqual([
      ...Array.from({ length: 3 }, () => '/dev/pts/0'),
      '/dev/tty',
      '/dev/console',
      '/dev/stdout',
      `88:0 620 0:${tty}`,
      `88:0 620 0:${tty}`,
      '0  ptmx',
      `group 2, session 2, terminal ${136 << 8}, foreground 2`,
    ]);
    expect(ran).toMatchObject({ outcome: success, stderr: '' });
  });

  it.runIf(hasMany)('belongs to the user of the command', async () => {
    const ran = await machine.sh(
      'stat -c "%u:%g" /dev/pts/0 /dev/console; for place in /dev/tty /dev/console /dev/stdout; do echo $place > $place; done',
      { terminal, user: { uid: 1000, gid: 1001, groups: [1001] } },
    );
    expect(lines(ran)).toEqual(['1000:5', '1000:5', '/dev/tty', '/dev/console', '/dev/stdout']);
  });

  it('is nothing of this machine', async () => {
    // Typing into it, where the kernel allows that at all, types into itself.
    const ran = await machine.sh('probe tty; ls /dev/pts | wc -l', { terminal });
    expect(lines(ran).at(-1)).toBe('2');
    const none = await machine.sh('ls /dev/console 2> /dev/null; ls /dev/pts; probe tty');
    expect(none.stdout).toBe('ptmx\nopen /dev/tty ENXIO\n');
  });

  it('has the size that is asked for, then the one that it is given, of which the command is told', async () => {
    let command: RunningCommand | undefined;
    const ran = await machine.sh(
      `trap 'stty size; exit 4' WINCH; stty size; while :; do sleep 0.05; done`,
      { terminal: { rows: 33, columns: 111 } },
      {
        onStarted: (started) => (command = started),
        onOutput: () => command?.resize({ rows: 44, columns: 65_535 }),
      },
    );
    expect(ran.outcome).toEqual({ kind: 'exit', exitCode: 4 });
    const sizes = await machine.sh('stty size', { terminal: { rows: 0, columns: 0 } });
    expect(lines(sizes)).toEqual(['0 0']);
  });

  it('is resized before the command starts, too', async () => {
    const ran = await machine.sh(
      'stty size',
      { terminal },
      { onStarted: (started) => started.resize({ rows: 5, columns: 6 }) },
    );
    // It may have looked before.
    expect(['5 6', '24 80']).toContain(lines(ran)[0]);
  });

  it('turns typed characters into signals, and lines', async () => {
    const { ran, type } = converse(
      machine,
      "trap 'echo interrupted' INT; echo ready; until read -r line; do :; done; echo [$line]",
    );
    await type(/ready/, '\u0003');
    await type(/interrupted/, 'wrong\u0015right\r');
    expect(lines(await ran)).toEqual(['ready', '^Cinterrupted', expect.stringMatching(/right$/), '[right]']);
  });

  it('can be asked for a secret without echo', async () => {
    const { ran, type } = converse(machine, 'stty -echo; echo ready; read -r line; stty echo; echo "[$line]"');
    await type(/ready/, 'secret\r');
    expect(lines(await ran)).toEqual(['ready', '[secret]']);
  });

  it.runIf(mode === all[0])('has 100 MB of output passed on intact', async () => {
    const hash = createHash('sha256');
    const before = process.memoryUsage().rss;
    let most = 0;
    const { outcome } = await machine.sh(
      'exec seq 1 12500000',
      { terminal },
      {
        onOutput: (_stream, chunk) => {
          hash.update(chunk);
          most = Math.max(most, process.memoryUsage().rss);
        },
      },
    );
    expect(outcome).toEqual(success);
    const expected = execFileSync('sh', ['-c', String.raw`seq 1 12500000 | sed 's/$/\r/' | sha256sum`], {
      encoding: 'utf8',
    });
    expect(hash.digest('hex')).toBe(expected.slice(0, 64));
    expect(most - before).toBeLessThan(100_000_000);
  });

  it('loses nothing of what is written last, whoever ends first', async () => {
    const endings = ['', 'exit 3', 'kill -9 $$', 'exec true', 'setsid sleep 100 & exit', 'exec > /dev/null 2>&1 0<&1'];
    for (const ending of endings) {
      const ran = await machine.sh(`seq 1 3000; ${ending}`, { terminal });
      expect([ending, lines(ran).length, lines(ran).at(-1)]).toEqual([ending, 3000, '3000']);
    }
  });

  it('can be left by all and opened again', async () => {
    const ran = await machine.sh(
      'echo one; exec < /dev/null > /dev/null 2>&1; sleep 0.2; exec > /dev/tty; echo two; sleep 0.2; echo three',
      { terminal },
    );
    expect(lines(ran)).toEqual(['one', 'two', 'three']);
  });

  it('makes the command wait when its output is not taken', async () => {
    const job = machine.job();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const running = machine.sh('seq 1 100000; echo > /finished', { job, terminal }, { onOutput: () => gate });
    await delay(500);
    expect(readdirSync(join(job, 'diff'))).toEqual([]);
    open();
    await running;
    expect(readdirSync(join(job, 'diff'))).toEqual(['finished']);
  });

  it('passes typed bytes on, however many, as fast as they are read', async () => {
    const input = Buffer.alloc(3_000_000, 'the quick brown fox\u0003\u0004\r\n');
    const { ran, type } = converse(machine, 'stty raw -echo; echo ready; head -c 3000000 | sha256sum');
    await type(/ready/, input);
    const digest = createHash('sha256').update(input).digest('hex');
    expect((await ran).stdout).toContain(digest);
  });

  it('has no end of input', async () => {
    const script = 'sleep 0.3; stty -icanon -echo min 0 time 1; head -c 1 | wc -c; echo still here > /dev/tty';
    const ran = await machine.sh(script, { terminal, stdin: true }, { stdin: only() });
    expect(lines(ran)).toEqual(['0', 'still here']);
  });

  it('is not there for a command that cannot be executed', async () => {
    const ran = await machine.exec(['no-such-program'], { terminal });
    expect(ran).toMatchObject({
      outcome: { kind: 'exit', exitCode: 127 },
      stdout: '',
      stderr: 'exec no-such-program: not found in PATH\n',
    });
  });

  it('dies with everything in it when the run is cancelled', async () => {
    const marker = '86399.0014';
    const controller = new AbortController();
    const running = machine.sh(
      `setsid sleep ${marker} & echo ready; sleep ${marker}`,
      { terminal },
      { signal: controller.signal, onOutput: () => controller.abort(new Error('enough')) },
    );
    await expect(running).rejects.toThrow('enough');
    await expect.poll(() => processesWith(marker)).toEqual([]);
  });
});

/** Output as lines: a terminal ends each with a carriage return and a newline. */
function lines({ stdout }: Ran): readonly string[] {
  return stdout.split('\r\n').filter((line, index, all) => line !== '' || index < all.length - 1);
}

interface Conversation {
  readonly ran: Promise<Ran>;
  /** Types once the output since the last time matches. */
  type(prompt: RegExp, text: string | Buffer): Promise<void>;
}

function converse(machine: Machine, script: string): Conversation {
  const output: Buffer[] = [];
  const typed: Buffer[] = [];
  let wake: () => void = () => undefined;
  async function* stdin(): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const next = typed.shift();
      if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else yield next;
    }
  }
  let said = '';
  const callbacks: Partial<RunCallbacks> = {
    stdin: stdin(),
    onOutput(_stream, chunk) {
      output.push(Buffer.from(chunk));
      said += chunk.toString();
    },
  };
  const ran = machine
    .sh(script, { terminal, stdin: true }, callbacks)
    .then((end) => ({ ...end, stdout: Buffer.concat(output).toString() }));
  return {
    ran,
    async type(prompt, text) {
      await expect.poll(() => said, { interval: 10, timeout: 10_000 }).toMatch(prompt);
      said = '';
      typed.push(Buffer.from(text));
      wake();
    },
  };
}

async function* only(...chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* chunks;
}

function processesWith(text: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
}
