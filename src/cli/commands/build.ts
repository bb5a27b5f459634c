import { writeFile } from 'node:fs/promises';
import { build, parseOutput, parsePlatform, TbuildError } from '../../index.ts';
import type { BuildOptions, Output } from '../../index.ts';
import type { Command, CommandSpec, ParsedArguments, Terminal } from '../command.ts';
import { keyValues } from '../key-values.ts';
import { jsonProgress } from '../ui/json-progress.ts';
import { plainProgress } from '../ui/plain-progress.ts';
import type { Progress } from '../ui/plain-progress.ts';

const spec: CommandSpec = {
  name: 'build',
  usage: 'tbuild [build] [OPTIONS] CONTEXT',
  summary: 'Build an image from a Dockerfile',
  details: 'CONTEXT is the directory whose files COPY and ADD may read.',
  positionals: { min: 1, max: 1 },
  options: {
    tag: { type: 'string', short: 't', multiple: true, value: 'NAME[:TAG]', help: 'Name the image (repeatable)' },
    file: { type: 'string', short: 'f', value: 'PATH', help: 'Dockerfile (default: CONTEXT/Dockerfile)' },
    'build-arg': {
      type: 'string',
      multiple: true,
      value: 'NAME[=VALUE]',
      help: 'Value for an ARG; without VALUE, that of the environment',
    },
    'build-context': {
      type: 'string',
      multiple: true,
      value: 'NAME=SOURCE',
      help: 'Named context: DIR, oci-layout://PATH[:TAG] or docker-image://REF',
    },
    target: { type: 'string', value: 'STAGE', help: 'Stage to build (default: the last)' },
    label: { type: 'string', multiple: true, value: 'NAME=VALUE', help: 'Label for the image (repeatable)' },
    'no-cache': { type: 'boolean', help: 'Run every step' },
    network: { type: 'string', value: 'host|none', help: 'Network that RUN sees (default: host)' },
    platform: { type: 'string', value: 'OS/ARCH', help: "Platform of the image (default: this machine's)" },
    output: {
      type: 'string',
      short: 'o',
      multiple: true,
      value: 'type=T,dest=PATH',
      help: 'Also write oci, tar or local; dest - is standard output',
    },
    iidfile: { type: 'string', value: 'FILE', help: "Write the image's id to FILE" },
    quiet: { type: 'boolean', short: 'q', help: 'Print only the id of the image' },
    progress: { type: 'string', value: 'plain|json|quiet', help: 'How to show what happens (default: plain)' },
    userns: {
      type: 'string',
      value: 'auto|host',
      help: 'As root: host runs commands without a user namespace of their own',
    },
    'userns-start': {
      type: 'string',
      value: 'ID',
      help: 'As root: first id on the host for the ids of the sandbox (default: 0x70000000)',
    },
  },
};

export const command: Command = { spec, run };

async function run(args: ParsedArguments, terminal: Terminal): Promise<number> {
  const progress = chooseProgress(args, terminal);
  const building = build(toOptions(args, terminal));
  for await (const event of building) progress?.handle(event);
  const { image } = await building.result;
  const iidfile = args.string('iidfile');
  if (iidfile !== undefined) await writeIid(iidfile, image.id);
  if (progress === undefined) terminal.stdout.write(`${image.id}\n`);
  return 0;
}

function toOptions(args: ParsedArguments, terminal: Terminal): BuildOptions {
  const platform = args.string('platform');
  const start = args.string('userns-start');
  return {
    context: args.positionals[0] ?? '.',
    dockerfile: args.string('file'),
    tags: args.strings('tag'),
    buildArgs: buildArguments(args.strings('build-arg')),
    buildContexts: keyValues('--build-context', args.strings('build-context')),
    target: args.string('target'),
    labels: keyValues('--label', args.strings('label')),
    noCache: args.flag('no-cache'),
    network: oneOf('--network', args.string('network'), ['host', 'none']),
    platform: platform === undefined ? undefined : parsePlatform(platform),
    outputs: outputs(args, terminal),
    userns: oneOf('--userns', args.string('userns'), ['auto', 'host']),
    usernsStart: start === undefined ? undefined : parseId(start),
    storeRoot: args.string('store'),
    signal: terminal.signal,
  };
}

function outputs(args: ParsedArguments, terminal: Terminal): Output[] {
  return args.strings('output').map((text) => parseOutput(text, terminal.stdout));
}

/** With the archive on standard output, what happens is told on standard error. */
function chooseProgress(args: ParsedArguments, terminal: Terminal): Progress | undefined {
  const kind = args.flag('quiet')
    ? 'quiet'
    : oneOf('--progress', args.string('progress'), ['plain', 'json', 'quiet', 'auto']);
  const toStdout = args.strings('output').some((text) => /(^|,)dest=-(,|$)/.test(text));
  const stream = toStdout ? terminal.stderr : terminal.stdout;
  const write = (text: string): void => void stream.write(text);
  switch (kind) {
    case 'quiet':
      return toStdout ? { handle: () => undefined } : undefined;
    case 'json':
      return jsonProgress(write);
    case 'plain':
    case 'auto':
    case undefined:
      return plainProgress(write);
  }
}

function buildArguments(given: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const text of given) {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === '') throw new TbuildError('TBUILD_USAGE', `--build-arg ${JSON.stringify(text)} has no name`);
    const value = equals < 0 ? process.env[name] : text.slice(equals + 1);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function parseId(text: string): number {
  const id = Number(text);
  if (Number.isInteger(id) && id > 0 && id < 2 ** 32) return id;
  throw new TbuildError('TBUILD_USAGE', `--userns-start must be an id, not ${JSON.stringify(text)}`);
}

function oneOf<T extends string>(option: string, value: string | undefined, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((each) => each === value);
  if (found !== undefined) return found;
  throw new TbuildError('TBUILD_USAGE', `${option} must be ${allowed.join(' or ')}, not ${JSON.stringify(value)}`);
}

async function writeIid(path: string, id: string): Promise<void> {
  try {
    await writeFile(path, id);
  } catch (cause) {
    throw new TbuildError('TBUILD_OUTPUT', `--iidfile ${path} cannot be written`, { cause });
  }
}
