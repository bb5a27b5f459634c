import type { RunInstruction } from '../dockerfile/instruction.ts';
import { execCommands, shellCommands } from './shell/commands.ts';
import type { ShellCommand } from './shell/commands.ts';

/** A command of a RUN, and the directory that it runs in: absolute, `undefined` where a variable or a pattern is in it. */
export interface PlacedCommand extends ShellCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string | undefined;
}

/** What RUN executes, as far as its text tells. */
export function runCommands({ command, script }: RunInstruction, workdir: string): readonly PlacedCommand[] {
  const commands =
    script !== undefined
      ? scriptCommands(script.content)
      : command.form === 'exec'
        ? execCommands(command.argv)
        : shellCommands(command.text);
  let directory: string | undefined = workdir;
  return commands.map((each) => {
    const [first = '', ...args] = each.words;
    const placed = { ...each, program: first.slice(first.lastIndexOf('/') + 1), args, directory };
    if (placed.program === 'cd') directory = resolveIn(directory, args[0] ?? '/root');
    return placed;
  });
}

/** Of another interpreter than a shell nothing is known. */
function scriptCommands(content: string): readonly ShellCommand[] {
  const [first = ''] = content.split('\n', 1);
  return /^#!.*\b(ba|da|a|z)?sh\b/.test(first) ? shellCommands(content) : [];
}

/** An absolute path without `.` and `..`; undefined where it has something that a shell would expand. */
export function resolveIn(directory: string | undefined, path: string): string | undefined {
  if (/[$*?[`]/.test(path) || (directory === undefined && !path.startsWith('/'))) return undefined;
  const whole = path.startsWith('~') ? `/root${path.slice(1)}` : path.startsWith('/') ? path : `${directory}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
