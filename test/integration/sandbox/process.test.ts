import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modes, openMachine } from './machine.ts';
import type { Machine } from './machine.ts';

const success = { kind: 'exit', exitCode: 0 };

describe.each(modes())('a command in a sandbox of $name', (mode) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine(mode);
  });
  afterAll(() => machine.close());

  it('is process 2 under a PID 1 that shows nothing of the builder', async () => {
    const ran = await machine.sh(`
      echo pid $$
      tr '\\0' ' ' < /proc/1/cmdline
      for name in environ mem maps auxv; do cat /proc/1/$name > /dev/null 2>&1 && echo "readable: $name"; done
      for name in exe cwd root fd/0 fd/1 fd/2 fd/3; do readlink /proc/1/$name && echo "readable: $name"; done
      ls /proc/1/root/ 2> /dev/null && echo 'readable: root/'
      probe attack 1`);
    expect(ran.stdout.replaceAll(/\s+/g, ' ').trim()).toBe(
      'pid 2 tbuild-init ptrace EPERM process_vm_readv EPERM pidfd_getfd EPERM',
    );
  });

  it('has descriptors 0, 1 and 2 alone, input from /dev/null, and no terminal', async () => {
    const ran = await machine.sh(
      'for n in $(seq 0 255); do [ -e /proc/self/fd/$n ] && echo $n; done; readlink /proc/self/fd/0; probe tty',
    );
    expect(ran.stdout).toBe('0\n1\n2\n/dev/null\nopen /dev/tty ENXIO\n');
  });

  it('has the 14 capabilities of docker, none of them inheritable or ambient, and may gain privileges', async () => {
    const ran = await machine.sh(
      'while read -r line; do case $line in Cap*|NoNewPrivs*|Seccomp:*) echo $line;; esac; done < /proc/self/status',
    );
    expect(ran.stdout).toBe(
      [
        'CapInh: 0000000000000000',
        'CapPrm: 00000000a80425fb',
        'CapEff: 00000000a80425fb',
        'CapBnd: 00000000a80425fb',
        'CapAmb: 0000000000000000',
        'NoNewPrivs: 0',
        'Seccomp: 0\n',
      ].join('\n'),
    );
  });

  it('starts with default signals, umask 0022, no core files and a session of its own', async () => {
    const ran = await machine.sh(
      'umask; ulimit -c; while read -r line; do case $line in Sig[BI]*|NSsid*) echo $line;; esac; done < /proc/self/status',
    );
    expect(ran.stdout).toBe('0022\n0\nNSsid: 2\nSigBlk: 0000000000000000\nSigIgn: 0000000000000000\n');
  });

  it('finds exactly the environment that it is given', async () => {
    const environment = ['PATH=/bin', 'A=1', 'B=two words\nand a line', 'C='];
    const ran = await machine.exec(['env', '-0'], { environment });
    expect(ran.stdout.split('\0')).toEqual([...environment, '']);
  });

  it('ends with its own exit status or signal', async () => {
    expect((await machine.sh('exit 0')).outcome).toEqual(success);
    expect((await machine.sh('exit 37')).outcome).toEqual({ kind: 'exit', exitCode: 37 });
    expect((await machine.sh('kill -TERM $$')).outcome).toEqual({ kind: 'signal', signal: 15 });
    expect((await machine.sh('kill -KILL $$')).outcome).toEqual({ kind: 'signal', signal: 9 });
  });

  it.each([
    { argv: ['no-such-program'], exitCode: 127, message: 'exec no-such-program: not found in PATH\n' },
    { argv: ['/no/such'], exitCode: 127, message: 'exec /no/such: no such file\n' },
    {
      argv: ['/data'],
      exitCode: 126,
      message:
        'exec /data: permission denied: not an executable file, or a directory on the way is closed to this user\n',
    },
    {
      argv: ['/bin'],
      exitCode: 126,
      message:
        'exec /bin: permission denied: not an executable file, or a directory on the way is closed to this user\n',
    },
    {
      argv: ['text'],
      exitCode: 126,
      message: 'exec /bin/text: neither a program for this machine nor a script that begins with #!\n',
    },
    { argv: ['orphan'], exitCode: 127, message: 'exec /bin/orphan: the interpreter that it names does not exist\n' },
  ])('that is $argv cannot be executed: $exitCode and the reason', async ({ argv, exitCode, message }) => {
    const tree = { data: 'x', 'bin/text': 'echo no\n', 'bin/orphan': '#!/no/interpreter\n' };
    const ran = await machine.exec(argv, { tree });
    expect({ outcome: ran.outcome, stderr: ran.stderr }).toEqual({
      outcome: { kind: 'exit', exitCode },
      stderr: message,
    });
  });

  it('is found in the PATH of the sandbox', async () => {
    const tree = { 'elsewhere/bin/greet': '#!/bin/sh\necho hello\n' };
    const ran = await machine.exec(['greet'], { tree, environment: ['PATH=/nowhere:/elsewhere/bin:/bin'] });
    expect(ran.stdout).toBe('hello\n');
  });

  it('takes what it left running with it, even what holds its output', async () => {
    const marker = '86399.0001';
    const started = Date.now();
    const ran = await machine.sh(
      `sleep ${marker} & setsid sleep ${marker} & (trap '' HUP TERM; sleep ${marker}) & echo done`,
    );
    expect(ran).toMatchObject({ outcome: success, stdout: 'done\n' });
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(processesWith(marker)).toEqual([]);
  });

  it('may kill all that it sees, and PID 1 goes on', async () => {
    const ran = await machine.sh("trap '' TERM; kill -9 1; kill -TERM -1; kill -9 -1; echo alive");
    expect(ran.stdout).toBe('alive\n');
  });

  it('has its orphans reaped', async () => {
    const ran = await machine.sh(
      '(sleep 0.01 &); sleep 0.1; for status in /proc/[0-9]*/status; do while read -r a b c; do [ "$a $b" = "State: Z" ] && echo zombie; done < $status; done; echo end',
    );
    expect(ran.stdout).toBe('end\n');
  });

  it('has 100 MB of its output passed on intact', async () => {
    const hash = createHash('sha256');
    const { outcome } = await machine.sh(
      'exec seq 1 12500000',
      {},
      {
        onOutput: (_stream, chunk) => void hash.update(chunk),
      },
    );
    expect(outcome).toEqual(success);
    const expected = execFileSync('sh', ['-c', 'seq 1 12500000 | sha256sum'], { encoding: 'utf8' }).slice(0, 64);
    expect(hash.digest('hex')).toBe(expected);
  });

  it('waits when its output is not taken', async () => {
    const job = machine.job();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const running = machine.sh('seq 1 1000000; echo > /finished', { job }, { onOutput: () => gate });
    await delay(500);
    expect(readdirSync(join(job, 'diff'))).toEqual([]);
    open();
    await running;
    expect(readdirSync(join(job, 'diff'))).toEqual(['finished']);
  });

  it('keeps stdout and stderr apart, and can open both again', async () => {
    const ran = await machine.sh('echo out > /dev/stdout; echo error > /dev/stderr');
    expect(ran).toMatchObject({ stdout: 'out\n', stderr: 'error\n' });
  });

  it('reads what is sent to it, to the end', async () => {
    const input = Buffer.alloc(5_000_000, 'abcdefg');
    const ran = await machine.sh('exec sha256sum', { stdin: true }, { stdin: once(input) });
    expect(ran.stdout.slice(0, 64)).toBe(createHash('sha256').update(input).digest('hex'));
  });

  it('may end without reading what is sent to it', async () => {
    const ran = await machine.sh('echo out; exit 3', { stdin: true }, { stdin: once(Buffer.alloc(5_000_000)) });
    expect(ran).toMatchObject({ outcome: { kind: 'exit', exitCode: 3 }, stdout: 'out\n' });
  });

  it('gets a signal however much it was sent that it does not read', async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Buffer, void, undefined> {
      for (;;) {
        given++;
        yield Buffer.alloc(65_536);
      }
    }
    const ran = await machine.sh(
      "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done",
      { stdin: true },
      {
        stdin: endless(),
        onStarted: ({ kill }) => void setTimeout(() => kill(15), 300),
      },
    );
    expect(ran.outcome).toEqual({ kind: 'exit', exitCode: 5 });
    expect(given).toBeGreaterThan(4);
    expect(given).toBeLessThan(20);
  });

  it('has no more read for it once it has closed its input', async () => {
    let isOver = false;
    async function* endless(): AsyncGenerator<Buffer, void, undefined> {
      try {
        for (;;) yield Buffer.alloc(65_536);
      } finally {
        isOver = true;
      }
    }
    const ran = await machine.sh(
      'exec < /dev/null; exec sleep 100',
      { stdin: true },
      {
        stdin: endless(),
        onStarted: ({ kill }) => {
          const timer = setInterval(() => {
            if (!isOver) return;
            clearInterval(timer);
            kill(15);
          }, 10);
        },
      },
    );
    expect(ran.outcome).toEqual({ kind: 'signal', signal: 15 });
  });

  it('is sent input in pieces of any size', async () => {
    const input = Buffer.alloc(5_000_000, 'abcdefg');
    async function* whole(): AsyncGenerator<Buffer, void, undefined> {
      yield Buffer.alloc(0);
      yield input;
    }
    const ran = await machine.sh('exec sha256sum', { stdin: true }, { stdin: whole() });
    expect(ran.stdout.slice(0, 64)).toBe(createHash('sha256').update(input).digest('hex'));
  });

  it('reads to an end where the input that it is sent fails', async () => {
    async function* failing(): AsyncGenerator<Buffer, void, undefined> {
      yield Buffer.from('some');
      throw new Error('no more');
    }
    const ran = await machine.sh('cat; echo over', { stdin: true }, { stdin: failing() });
    expect(ran).toMatchObject({ outcome: success, stdout: 'someover\n' });
  });

  it('gets the signals that it is sent', async () => {
    let send: (signal: number) => void = () => undefined;
    const ran = await machine.sh(
      "trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.05; done",
      {},
      {
        onStarted: ({ kill }) => (send = kill),
        onOutput: () => send(10),
      },
    );
    expect(ran.outcome).toEqual({ kind: 'exit', exitCode: 5 });
    const killed = await machine.sh(
      'echo ready; sleep 1000',
      {},
      {
        onStarted: ({ kill }) => (send = kill),
        onOutput: () => send(9),
      },
    );
    expect(killed.outcome).toEqual({ kind: 'signal', signal: 9 });
  });

  it('ends as it ended, whatever signals come just then', async () => {
    for (let round = 0; round < 40; round++) {
      let send: (signal: number) => void = () => undefined;
      const ran = await machine.sh(
        "trap '' USR1; echo ready; exit 5",
        {},
        {
          onStarted: ({ kill }) => (send = kill),
          onOutput: () => {
            for (let times = 0; times < 20; times++) send(10);
          },
        },
      );
      expect(ran.outcome).toEqual({ kind: 'exit', exitCode: 5 });
    }
  });

  it('dies with everything that it started when it is cancelled', async () => {
    const marker = '86399.0002';
    const controller = new AbortController();
    const running = machine.sh(
      `setsid sleep ${marker} & echo ready; sleep ${marker}`,
      {},
      {
        signal: controller.signal,
        onOutput: () => controller.abort(new Error('enough')),
      },
    );
    await expect(running).rejects.toThrow('enough');
    await eventually(() => expect(processesWith(marker)).toEqual([]));
  });

  it('dies when the helper is killed, and no mount is left', async () => {
    const doomed = await openMachine(mode);
    const marker = '86399.0003';
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
    const running = doomed.sh(
      `setsid sleep ${marker} & echo ready; sleep ${marker}`,
      {},
      {
        onOutput: () => void process.kill(doomed.pid, 'SIGKILL'),
      },
    );
    await expect(running).rejects.toMatchObject({ code: 'TBUILD_HELPER' });
    await eventually(() => expect(processesWith(marker)).toEqual([]));
    expect(processesWith(doomed.directory)).toEqual([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(mounts);
    await doomed.close();
  });

  it('runs beside others', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, i) => machine.sh(`sleep 0.2; echo ${i} > /number; cat /number; echo $$`)),
    );
    expect(all.map((ran) => ran.stdout)).toEqual(Array.from({ length: 8 }, (_, i) => `${i}\n2\n`));
  });

  it('has a network of its own, with the loopback interface up, when the network is none', async () => {
    const ran = await machine.sh(
      'cat /proc/net/dev | tail -n +3 | while read -r name rest; do echo $name; done; ls /sys/class/net; cat /sys/class/net/lo/flags; tail -n +2 /proc/net/route',
      {
        network: 'none',
      },
    );
    expect(ran.stdout).toBe('lo:\nlo\n0x9\n');
  });
});

/** Ids of processes whose command line has the text. */
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

async function eventually(assertion: () => void): Promise<void> {
  const end = Date.now() + 5000;
  for (;;) {
    try {
      return assertion();
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(20);
    }
  }
}

async function* once(chunk: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < chunk.length; at += 65_536) yield chunk.subarray(at, at + 65_536);
}
