import { spawnSync } from 'node:child_process';

/** Wall milliseconds of a command: argv, with optional cwd, env and a shell when it is a string. Throws when it fails. */
export function time(command) {
  const start = performance.now();
  run(command);
  return performance.now() - start;
}

export function run(command) {
  const { argv, ...options } = Array.isArray(command) || typeof command === 'string' ? { argv: command } : command;
  const [program, ...args] = typeof argv === 'string' ? ['/bin/sh', '-c', argv] : argv;
  const result = spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...options,
    env: { ...process.env, ...options.env },
  });
  if (result.status !== 0)
    throw new Error(`${[program, ...args].join(' ')}: ${result.status ?? result.signal}\n${String(result.stderr)}`);
}

/** Wall milliseconds and peak resident memory (MB, of the largest process of the tree) of a command. */
export function timeWithMemory({ argv, env = {} }) {
  const script = `
    const { spawn } = require('node:child_process');
    const { readFileSync, readdirSync } = require('node:fs');
    const read = (path) => { try { return readFileSync(path, 'utf8'); } catch { return ''; } };
    const [program, ...args] = JSON.parse(process.argv[1]);
    const child = spawn(program, args, { stdio: 'ignore' });
    let peak = 0;
    const look = (pid) => {
      peak = Math.max(peak, Number(/VmHWM:\\s*(\\d+)/.exec(read('/proc/' + pid + '/status'))?.[1] ?? 0));
      for (const next of read('/proc/' + pid + '/task/' + pid + '/children').split(' ')) if (next !== '') look(next);
    };
    const timer = setInterval(() => look(child.pid), 10);
    child.on('exit', (code) => { clearInterval(timer); console.log(peak); process.exit(code ?? 1); });`;
  const start = performance.now();
  const result = spawnSync(process.execPath, ['-e', script, JSON.stringify(argv)], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (result.status !== 0) throw new Error(`${argv.join(' ')} failed: ${result.stderr}`);
  return { ms: performance.now() - start, mb: Number(result.stdout) / 1024 };
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
