import { splitWords } from '../../../src/dockerfile/words.ts';
import type { MountFlag } from '../../../src/dockerfile/mount-flag.ts';
import type {
  AddInstruction,
  Command,
  CopyInstruction,
  Dockerfile,
  HealthcheckInstruction,
  Instruction,
  KeyValue,
  RunInstruction,
  Stage,
} from '../../../src/dockerfile/instruction.ts';

/** A Dockerfile that says the same: parsed again it gives the same instructions, but for their places and texts. */
export function printDockerfile({ escape, globalArgs, stages }: Dockerfile): string {
  const lines = [
    ...(escape === '`' ? ['# escape=`'] : []),
    ...globalArgs.map((instruction) => printInstruction(instruction, escape)),
    ...stages.flatMap((stage) => [
      printFrom(stage),
      ...stage.instructions.map((instruction) => printInstruction(instruction, escape)),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function printFrom({ image, name, platform }: Stage): string {
  return words('FROM', flag('platform', platform), afterFlags(image), name === undefined ? undefined : `AS ${name}`);
}

function printInstruction(instruction: Instruction, escape: string): string {
  switch (instruction.kind) {
    case 'run':
      return printRun(instruction);
    case 'copy':
      return printCopy(instruction);
    case 'add':
      return printAdd(instruction);
    case 'env':
    case 'label':
      return words(instruction.kind.toUpperCase(), afterFlags(printPairs(instruction.pairs, escape)));
    case 'arg':
      return words('ARG', afterFlags(instruction.args.map(printArg).join(' ')));
    case 'cmd':
    case 'entrypoint':
      return words(instruction.kind.toUpperCase(), printCommand(instruction.command));
    case 'expose':
      return words('EXPOSE', afterFlags(printPorts(instruction.ports, escape)));
    case 'user':
      return words('USER', afterFlags(instruction.user));
    case 'workdir':
      return words('WORKDIR', afterFlags(instruction.path));
    case 'volume':
      return words('VOLUME', JSON.stringify(instruction.paths));
    case 'stopsignal':
      return words('STOPSIGNAL', afterFlags(instruction.signal));
    case 'shell':
      return words('SHELL', JSON.stringify(instruction.argv));
    case 'healthcheck':
      return printHealthcheck(instruction);
    case 'maintainer':
      return words('MAINTAINER', afterFlags(instruction.name));
    case 'onbuild':
      return `ONBUILD ${instruction.trigger}`;
  }
}

/** Fails to compile where an instruction has got a new field, which has to be printed too. */
type Nothing = Readonly<Record<never, never>> & { readonly [name: string]: never };

function printRun(instruction: RunInstruction): string {
  const { kind: _, span: __, text: ___, command, script, ...flags } = instruction;
  const { network, security, mounts, ...rest } = flags;
  rest satisfies Nothing;
  const head = words('RUN', ...mounts.map(printMount), flag('network', network), flag('security', security));
  if (script !== undefined) return `${head} ${heredoc(script.name, script.content)}`;
  const isScript = command.form === 'shell' && command.text.endsWith('\n');
  return isScript ? `${head} ${heredoc(unusedName(command.text), command.text)}` : words(head, printCommand(command));
}

function printMount({ fields }: MountFlag): string | undefined {
  const quoted = fields.map(({ key, value }) => {
    const field = value === undefined ? key : `${key}=${value}`;
    return /[",]/.test(field) || field === '' ? `"${field.replaceAll('"', '""')}"` : field;
  });
  return flag('mount', quoted.join(','));
}

function printCopy({ from, parents, ...instruction }: CopyInstruction): string {
  return printTransfer(instruction, ['COPY', flag('from', from), parents ? '--parents' : undefined]);
}

function printAdd({ checksum, keepGitDir, unpack, ...instruction }: AddInstruction): string {
  return printTransfer(instruction, [
    'ADD',
    flag('checksum', checksum),
    keepGitDir === undefined ? undefined : `--keep-git-dir=${keepGitDir}`,
    unpack === undefined ? undefined : `--unpack=${unpack}`,
  ]);
}

type CommonFields = Omit<CopyInstruction, 'kind' | 'from' | 'parents'> & { readonly kind: 'copy' | 'add' };

function printTransfer(instruction: CommonFields, begin: readonly (string | undefined)[]): string {
  const { kind: _, span: __, text: ___, sources, inlineFiles, destination, ...flags } = instruction;
  const { chown, chmod, link, exclude, ...rest } = flags;
  rest satisfies Nothing;
  const head = words(
    ...begin,
    flag('chown', chown),
    flag('chmod', chmod),
    link ? '--link' : undefined,
    ...exclude.map((pattern) => flag('exclude', pattern)),
  );
  const marks = inlineFiles.map(
    ({ name, expands }) => `<<${expands ? escaped(name) : `"${name.replaceAll(/["\\$]/g, '\\$&')}"`}`,
  );
  const bodies = inlineFiles.map(({ name, content }) => `\n${content}${name}`);
  if (inlineFiles.length === 0) return words(head, JSON.stringify([...sources, destination]));
  return words(head, afterFlags([...sources, ...marks, destination].join(' '))) + bodies.join('');
}

function printPairs(pairs: readonly KeyValue[], escape: string): string {
  const text = pairs.map(({ key, value }) => `${key}=${value}`).join(' ');
  const isPlain = splitWords(text, escape).length === pairs.length && !text.endsWith(escape);
  const [first] = pairs;
  return afterFlags(isPlain || first === undefined ? text : `${first.key} ${first.value}`);
}

function printArg({ name, value }: { readonly name: string; readonly value: string | undefined }): string {
  return value === undefined ? name : `${name}=${value}`;
}

/** Their order is the parser's, so that the last one can be one that does not continue the line. */
function printPorts(ports: readonly string[], escape: string): string {
  const continues = (port: string): boolean => port.endsWith(escape);
  return [...ports.filter(continues), ...ports.filter((port) => !continues(port))].join(' ');
}

function printCommand(command: Command): string {
  return command.form === 'exec' ? JSON.stringify(command.argv) : afterFlags(command.text);
}

function printHealthcheck({ check }: HealthcheckInstruction): string {
  if (check.kind === 'none') return 'HEALTHCHECK NONE';
  const duration = (name: string, nanoseconds: number): string | undefined =>
    nanoseconds === 0 ? undefined : `--${name}=${BigInt(Math.min(nanoseconds, 2 ** 63 - 1024))}ns`;
  const { command } = check;
  return words(
    'HEALTHCHECK',
    duration('interval', check.intervalNs),
    duration('timeout', check.timeoutNs),
    duration('start-period', check.startPeriodNs),
    duration('start-interval', check.startIntervalNs),
    check.retries === 0 ? undefined : `--retries=${check.retries}`,
    'CMD',
    command.form === 'exec' ? JSON.stringify(command.argv) : command.text,
  );
}

function heredoc(name: string, content: string): string {
  return `<<"${name.replaceAll(/["\\$]/g, '\\$&')}"\n${content}${name}`;
}

function unusedName(content: string): string {
  let name = 'EOF';
  while (content.includes(name)) name += 'F';
  return name;
}

/** What begins like a flag is none behind `--`. */
function afterFlags(text: string): string {
  return text.startsWith('--') ? `-- ${text}` : text;
}

function flag(name: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `--${name}=${escaped(value)}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[^\w./:,=@%+-]/gu, '\\$&');
}

function words(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}
