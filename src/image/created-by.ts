import type {
  AddInstruction,
  ArgInstruction,
  Command,
  CopyInstruction,
  Instruction,
} from '../dockerfile/instruction.ts';
import { redactUrl } from '../dockerfile/redact-url.ts';
import { exposedPorts } from './exposed-ports.ts';
import { visibleVariables } from './draft.ts';
import type { ImageDraft } from './draft.ts';
import { formatDuration, quoteCharacter, quoteString, quoteStrings } from './go-format.ts';
import { healthcheckOf } from './healthcheck.ts';

/** The ARGs declared so far, in order, each with the value that `--build-arg` or its default gives. A stage starts with those of the stage that its FROM names. */
export type BuildArguments = ArgInstruction['args'];

/**
 * The `created_by` text of an instruction, to the letter what docker's BuildKit writes: people and tools read Dockerfiles back from it. ONBUILD leaves no history.
 * @param draft the image after the instruction
 */
export function createdBy(draft: ImageDraft, instruction: Instruction, args: BuildArguments): string | undefined {
  switch (instruction.kind) {
    case 'run':
      return `RUN ${usedArguments(draft, args)}${commandLine(draft, instruction.command).join(' ')} # buildkit`;
    case 'copy':
    case 'add': {
      const { kind, chown, chmod, destination } = instruction;
      const flags = [chown === undefined ? [] : `--chown=${chown}`, chmod === undefined ? [] : `--chmod=${chmod}`];
      // Docker writes credentials, too: whoever has the image would have them.
      const sources = sourceNames(instruction).map(redactUrl);
      return `${[kind.toUpperCase(), ...flags.flat(), ...sources, destination].join(' ')} # buildkit`;
    }
    case 'env':
      return `ENV ${instruction.pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`;
    case 'label':
      return `LABEL ${instruction.pairs.map(({ key, value }) => `${key}=${value}`).join(' ')}`;
    case 'arg':
      return `ARG ${instruction.args.map(argumentText).join(' ')}`;
    case 'cmd':
      return `CMD ${quoteStrings(commandLine(draft, instruction.command))}`;
    case 'entrypoint':
      return `ENTRYPOINT ${quoteStrings(commandLine(draft, instruction.command))}`;
    case 'expose':
      return `EXPOSE [${instruction.ports.flatMap(exposedPorts).join(' ')}]`;
    case 'user':
      return `USER ${instruction.user}`;
    case 'workdir':
      return `WORKDIR ${draft.config.WorkingDir ?? '/'}`;
    case 'volume':
      return `VOLUME [${instruction.paths.join(' ')}]`;
    case 'stopsignal':
      return `STOPSIGNAL ${instruction.signal}`;
    case 'shell':
      return `SHELL [${instruction.argv.join(' ')}]`;
    case 'healthcheck':
      return `HEALTHCHECK ${healthcheckText(instruction)}`;
    case 'maintainer':
      return `MAINTAINER ${instruction.name}`;
    case 'onbuild':
      return undefined;
  }
}

/** The sources of COPY and ADD as docker names them: heredocs by their marks alone. */
export function sourceNames({ sources, inlineFiles }: CopyInstruction | AddInstruction): readonly string[] {
  return [...sources, ...inlineFiles.map(({ name }) => `<<${name}`)];
}

/** The argv of a command: shell form under the stage's SHELL. */
export function commandLine(draft: ImageDraft, command: Command): readonly string[] {
  return command.form === 'exec' ? command.argv : [...(draft.config.Shell ?? ['/bin/sh', '-c']), command.text];
}

/** `|2 FOO=bar BAZ= `: each name once, where it was declared first, with the value that the command sees. */
function usedArguments(draft: ImageDraft, args: BuildArguments): string {
  if (args.length === 0) return '';
  const visible = visibleVariables(draft);
  const values = new Map(args.map(({ name, value }) => [name, visible.get(name) ?? value ?? '']));
  return `|${values.size} ${Array.from(values, ([name, value]) => `${name}=${value}`).join(' ')} `;
}

function argumentText({ name, value }: BuildArguments[number]): string {
  return value === undefined ? name : `${name}=${value}`;
}

/** Go's `%q` of a pointer to docker's HealthConfig. */
function healthcheckText(instruction: Extract<Instruction, { kind: 'healthcheck' }>): string {
  const {
    Test = [],
    Interval = 0,
    Timeout = 0,
    StartPeriod = 0,
    StartInterval = 0,
    Retries = 0,
  } = healthcheckOf(instruction);
  const durations = [Interval, Timeout, StartPeriod, StartInterval].map((each) => quoteString(formatDuration(each)));
  return `&{${quoteStrings(Test)} ${durations.join(' ')} ${quoteCharacter(Retries)}}`;
}
