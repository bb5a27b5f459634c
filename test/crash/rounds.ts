import { setTimeout as delay } from 'node:timers/promises';
import { descendantsOf, mountsAnywhereBelow, survivors } from '../helpers/processes.ts';
import type { ProcessEntry } from '../helpers/processes.ts';
import { startProgram } from '../helpers/program.ts';
import type { Ended, Program, ProgramUser } from '../helpers/program.ts';

/** Whom SIGKILL meets: the command line's process, the helper's supervisor, the worker of an operation, or PID 1 of a sandbox. */
export const victims = ['builder', 'helper', 'worker', 'init'] as const;
export type Victim = (typeof victims)[number];

export interface Rounds {
  /** Command line up to the command: program, arguments. */
  readonly program: readonly string[];
  readonly user?: ProgramUser | undefined;
  readonly store: string;
  /** Arguments of `tbuild build`. */
  readonly build: readonly string[];
  readonly count: number;
  readonly victims: readonly Victim[];
  /** From 0 to 1. */
  readonly random: () => number;
  /** Makes a round's build do everything anew. */
  readonly change: (round: number) => void;
  /** Arguments of `tbuild run` and what they must print. */
  readonly expected: (round: number) => { readonly run: readonly string[]; readonly output: string };
  readonly log: (line: string) => void;
}

/**
 * Builds to the end, to know how long that takes. Then, round by round: starts the build, kills somebody at a random moment, looks for what was left behind, builds to the end and runs the
 * image. Returns a sentence for each thing that went wrong.
 */
export async function killRounds(rounds: Rounds): Promise<readonly string[]> {
  const wrong: string[] = [];
  // The first one also has the base image to fetch.
  let fullMs = 0;
  for (const round of [0, 1]) {
    rounds.change(round);
    fullMs = await finish(rounds, round, (what) => wrong.push(what));
  }
  if (wrong.length > 0) return wrong;
  rounds.log(`a whole build takes ${fullMs.toFixed(0)} ms`);
  let hits = 0;
  for (let round = 2; hits < rounds.count && round <= 3 * rounds.count + 1; round++) {
    const note = (what: string): void => {
      wrong.push(`round ${round}: ${what}`);
      rounds.log(`  WRONG: ${what}`);
    };
    rounds.change(round);
    const victim = rounds.victims[Math.floor(rounds.random() * rounds.victims.length)] ?? 'builder';
    const moment = rounds.random() * fullMs;
    const said = await killAt(rounds, victim, moment, note);
    if (said !== undefined) hits++;
    const who = `${String(hits).padStart(3)}  ${victim.padEnd(7)} at ${moment.toFixed(0).padStart(6)} ms`;
    rounds.log(`${who}  ${said ?? 'too late: does not count'}`);
    await finish(rounds, round, note);
  }
  if (hits < rounds.count) wrong.push(`only ${hits} of ${rounds.count} builds were hit`);
  return wrong;
}

/** Undefined when the build ended before. */
async function killAt(
  rounds: Rounds,
  victim: Victim,
  moment: number,
  note: (what: string) => void,
): Promise<string | undefined> {
  const program = start(rounds, ['build', ...rounds.build]);
  const seen = new Map<number, ProcessEntry>();
  const end = performance.now() + moment;
  let killed: ProcessEntry | undefined;
  while (program.isRunning()) {
    const family = descendantsOf(program.pid);
    for (const each of family) seen.set(each.pid, each);
    killed = performance.now() < end ? undefined : choose(victim, program, family);
    if (killed !== undefined) break;
    await delay(5);
  }
  const lastStep =
    program
      .stdout()
      .split('\n')
      .findLast((line) => line.startsWith('Step ')) ?? '(no step yet)';
  if (killed !== undefined) kill(killed.pid);
  const ended = await within(30_000, program.ended);
  if (ended === undefined) {
    note(`after the ${victim} was killed the build still ran 30 s later`);
    program.kill('SIGKILL');
    return 'hangs';
  }
  for (const { pid, name } of await survivors([...seen.values()])) note(`process ${pid} (${name}) was left`);
  for (const line of mountsAnywhereBelow(rounds.store)) note(`a mount was left: ${line}`);
  if (killed === undefined) return undefined;
  checkEnd(victim, ended, note);
  return `${lastStep.slice(0, 60)} -> ${outcome(ended)}`;
}

/** Undefined when there is no such process at the moment. */
function choose(victim: Victim, program: Program, family: readonly ProcessEntry[]): ProcessEntry | undefined {
  const helpers = family.filter(({ parent, name }) => parent === program.pid && name === 'tbuild-helper');
  const workers = family.filter(({ parent }) => helpers.some(({ pid }) => pid === parent));
  switch (victim) {
    case 'builder':
      return { pid: program.pid, parent: 0, name: 'node', state: 'R', startTime: '' };
    case 'helper':
      return helpers[0];
    case 'worker':
      return workers.find(({ name }) => name === 'tbuild-helper');
    case 'init':
      return family.find(({ name }) => name === 'tbuild-init');
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}

/** A build that lost somebody fails with a code, or did not need them any more. */
function checkEnd(victim: Victim, { code, signal, stderr }: Ended, note: (what: string) => void): void {
  if (victim === 'builder') {
    if (signal !== 'SIGKILL' && code !== 0) note(`the builder ended with ${code}: ${stderr}`);
    return;
  }
  if (code === 0) return;
  if (code !== 1 || !/\((TBUILD_HELPER|TBUILD_RUN_FAILED|TBUILD_SANDBOX_SETUP)\)/.test(stderr)) {
    note(`the build ended with ${code ?? signal} and said: ${stderr}`);
  }
}

function outcome({ code, signal, stderr }: Ended): string {
  return signal ?? `exit ${code} ${/\(TBUILD_\w+\)/.exec(stderr)?.[0] ?? ''}`;
}

/** Returns how long the build took. */
async function finish(rounds: Rounds, round: number, note: (what: string) => void): Promise<number> {
  const started = performance.now();
  const built = await start(rounds, ['build', ...rounds.build]).ended;
  const durationMs = performance.now() - started;
  if (built.code !== 0) note(`the build to the end failed with ${built.code ?? built.signal}: ${built.stderr}`);
  const { run, output } = rounds.expected(round);
  const ran = await start(rounds, ['run', '--rm', ...run]).ended;
  if (ran.code !== 0 || ran.stdout !== output)
    note(`the image printed ${JSON.stringify(ran.stdout)}, not ${JSON.stringify(output)}; ${ran.stderr}`);
  return durationMs;
}

function start(
  { program, store, user }: Pick<Rounds, 'program' | 'store' | 'user'>,
  [command = '', ...rest]: readonly string[],
): Program {
  return startProgram([...program, command, '--store', store, ...rest], user);
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, delay(ms, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
