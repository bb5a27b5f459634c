import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process as /proc/PID/stat has it. Pid and start time together name it for ever. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly state: string;
  readonly startTime: string;
}

/** Every process that can be seen. */
function listProcesses(): readonly ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((found) => found !== undefined);
}

/** Children, and theirs, parents first. */
export function descendantsOf(pid: number): readonly ProcessEntry[] {
  const children = childrenOf(pid)
    .map((child) => readProcess(child))
    .filter((found) => found !== undefined);
  return [...children, ...children.flatMap((child) => descendantsOf(child.pid))];
}

/** Helpers that a process started: their workers, and the sandboxes below those, come behind. */
export function helpersOf(pid: number): readonly ProcessEntry[] {
  return descendantsOf(pid).filter(({ parent, name }) => parent === pid && name === 'tbuild-helper');
}

/** Those that still run after `patienceMs`. Processes that are dead and not reaped do not count. */
export async function survivors(
  processes: readonly ProcessEntry[],
  patienceMs: number = 10_000,
): Promise<readonly ProcessEntry[]> {
  const isAlive = ({ pid, startTime }: ProcessEntry): boolean => {
    const now = readProcess(pid);
    return now !== undefined && now.startTime === startTime && !'ZX'.includes(now.state);
  };
  const end = Date.now() + patienceMs;
  for (;;) {
    const alive = processes.filter(isAlive);
    if (alive.length === 0 || Date.now() > end) return alive;
    await delay(5);
  }
}

/** Lines of mountinfo, of any mount namespace that can be seen, that name a path at or below the directory. */
export function mountsAnywhereBelow(directory: string): readonly string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  for (const { pid } of listProcesses()) {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
      if (seen.has(namespace)) continue;
      seen.add(namespace);
      const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n');
      found.push(...lines.filter((line) => line.includes(`${directory}/`) || line.includes(`${directory} `)));
    } catch {
      // It has ended, or is not this user's to look at.
    }
  }
  return found;
}

/** Of the main thread, which is the one that starts processes here. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function readProcess(pid: number): ProcessEntry | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const startTime = text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    return { pid, parent: Number(parent), name, state, startTime };
  } catch {
    return undefined;
  }
}
