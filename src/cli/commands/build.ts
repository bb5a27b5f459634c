import { lstat, rm, writeFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { build, parseOutput, parsePlatform, parseSecrets, parseSsh, TbuildError } from '../../index.ts';
import type { Build, BuildOptions, BuildResult, Entitlement, Output } from '../../index.ts';
import { answerCall, parseCall } from '../calls/call.ts';
import type { Command, CommandSpec, ParsedArguments, Terminal } from '../command.ts';
import { drained } from '../drained.ts';
import { fromEnvironment, keyValues, required } from '../key-values.ts';
import { checkMetadataFile, writeMetadataFile } from '../metadata-file.ts';
import { openProgress, progressWords, resolveProgress } from '../ui/choose-progress.ts';
import type { ProgressKind } from '../ui/choose-progress.ts';
import { withoutOutput } from '../ui/error.ts';
import { textForTerminal } from '../ui/terminal-text.ts';

const spec: CommandSpec = {
  name: 'build',
  usage: 'tbuild [build] [OPTIONS] CONTEXT',
  summary: 'Build an image from a Dockerfile',
  details:
    'CONTEXT is the directory whose files COPY and ADD may read.\n\nIt may also be a git repository (https://HOST/REPO.git#REF:DIR, git://, ssh://, USER@HOST:PATH), or the http(s) URL\nof a tar (also compressed) or of a Dockerfile alone. With - that comes on standard input.',
  positionals: { min: 1, max: 1 },
  options: {
    tag: { type: 'string', short: 't', multiple: true, value: 'NAME[:TAG]', help: 'Name the image (repeatable)' },
    file: {
      type: 'string',
      short: 'f',
      value: 'PATH',
      help: 'Dockerfile (default: CONTEXT/Dockerfile); a URL, or - for standard input',
    },
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
      help: 'Named context: DIR, a git or http(s) URL, oci-layout://PATH[:TAG] or docker-image://REF',
    },
    target: { type: 'string', value: 'STAGE', help: 'Stage to build (default: the last)' },
    call: {
      type: 'string',
      value: 'METHOD[,format=F]',
      help: 'Instead of building print what checks find, the outline of the stage, or the targets there are (default: build)',
    },
    check: {
      type: 'boolean',
      words: ['strict'],
      help: 'Check the Dockerfile and build nothing: --call=check; strict asks more',
    },
    format: { type: 'string', value: 'text|json', help: 'With --call or --check: how to print it (default: text)' },
    label: { type: 'string', multiple: true, value: 'NAME[=VALUE]', help: 'Label for the image (repeatable)' },
    'no-cache': { type: 'boolean', help: 'Run every step' },
    secret: {
      type: 'string',
      multiple: true,
      value: 'id=ID[,src=FILE|,env=NAME]',
      help: 'Secret for RUN --mount=type=secret and for servers of ADD and of contexts (repeatable)',
    },
    ssh: {
      type: 'string',
      multiple: true,
      value: 'default|ID[=SOCKET|KEY]',
      help: 'SSH agent or private keys for RUN --mount=type=ssh and for ADD of git repositories (repeatable)',
    },
    allow: {
      type: 'string',
      multiple: true,
      value: 'ENTITLEMENT',
      help: 'Let RUN have network.host or security.insecure (repeatable)',
    },
    network: {
      type: 'string',
      value: 'default|host|none',
      help: "Network that RUN sees (default: default, which is the host's)",
    },
    platform: { type: 'string', value: 'OS/ARCH', help: "Platform of the image (default: this machine's)" },
    output: {
      type: 'string',
      short: 'o',
      multiple: true,
      value: 'type=T,dest=PATH',
      help: 'Also write oci, docker, tar or local; dest - is standard output',
    },
    load: { type: 'boolean', help: 'Also load it into Docker or Podman: -o type=docker' },
    iidfile: { type: 'string', value: 'FILE', help: "Write the image's id to FILE" },
    'metadata-file': {
      type: 'string',
      value: 'FILE',
      help: "Write what was built, buildx's names and the causes of steps, to FILE as JSON",
    },
    quiet: { type: 'boolean', short: 'q', help: 'Print only the id of the image' },
    progress: {
      type: 'string',
      value: 'HOW',
      help: 'Show it as auto, tty, plain, json or quiet (default: $TBUILD_PROGRESS, or auto)',
    },
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
  // As docker: --check stands back behind --call.
  const asked = args.string('call') ?? (args.flag('check') ? 'check' : undefined);
  const call = parseCall(asked, args.choice('format', ['text', 'json']));
  const outputs = args.strings('output').map((text) => parseOutput(text, terminal.stdout));
  if (args.flag('load')) outputs.push({ type: 'docker', destination: undefined });
  // What is told must not get into an archive on standard output.
  const stream = outputs.some(({ destination }) => destination === terminal.stdout) ? terminal.stderr : terminal.stdout;
  const wishes = { word: args.choice('progress', progressWords), isQuiet: args.flag('quiet') };
  const kind = resolveProgress(wishes, terminal);
  const iidfile = args.string('iidfile');
  const options = toOptions(args, outputs, terminal);
  if (call !== undefined) {
    const request = { ...options, strict: args.word('check') === 'strict' };
    const { text, status, error } = await answerCall(call, request).finally(() => closeInput(options, terminal));
    terminal.stdout.write(terminal.stdout.isTTY ? textForTerminal(text, terminal.env) : text);
    if (error !== undefined) throw error;
    return status;
  }
  if (iidfile !== undefined) await writingIid(iidfile, () => removeStale(iidfile));
  const metadata = args.string('metadata-file');
  if (metadata !== undefined) await checkMetadataFile(metadata);
  const showing = { kind, stream, terminal };
  const result = await show(build(options), showing).finally(() => closeInput(options, terminal));
  const { image } = result;
  if (iidfile !== undefined) await writingIid(iidfile, () => writeFile(iidfile, image.id));
  if (metadata !== undefined) await writeMetadataFile(metadata, result);
  if (kind === 'quiet') stream.write(`${image.id}\n`);
  return 0;
}

/** Whoever writes there may never end; the build has. */
function closeInput({ stdin }: BuildOptions, terminal: Terminal): void {
  if (stdin !== undefined) terminal.stdin.destroy();
}

interface Showing {
  readonly kind: ProgressKind;
  readonly stream: Writable;
  readonly terminal: Terminal;
}

async function show(building: Build, { kind, stream, terminal }: Showing): Promise<BuildResult> {
  const progress = openProgress(kind, terminal, stream);
  try {
    for await (const event of building) {
      progress?.handle(event);
      await drained(kind === 'tty' ? terminal.stderr : stream, terminal.signal);
    }
    return await building.result;
  } catch (error) {
    // On a terminal the output stands there in full.
    throw kind === 'tty' ? withoutOutput(error) : error;
  } finally {
    progress?.end();
  }
}

function toOptions(args: ParsedArguments, outputs: readonly Output[], terminal: Terminal): BuildOptions {
  const platform = args.string('platform');
  const start = args.string('userns-start');
  const [context = '.'] = args.positionals;
  const dockerfile = args.string('file');
  return {
    context,
    dockerfile,
    stdin: context === '-' || dockerfile === '-' ? terminal.stdin : undefined,
    tags: args.strings('tag'),
    buildArgs: keyValues('--build-arg', args.strings('build-arg'), fromEnvironment),
    buildContexts: keyValues('--build-context', args.strings('build-context'), required('--build-context')),
    target: args.string('target'),
    labels: keyValues('--label', args.strings('label'), () => ''),
    noCache: args.flag('no-cache'),
    secrets: parseSecrets(args.strings('secret')),
    ssh: parseSsh(args.strings('ssh')),
    // Checked, with what is unknown refused, by the build itself.
    allow: args.strings('allow').flatMap((text) => (text === '' ? [] : text.split(','))) as Entitlement[],
    network: args.choice('network', ['default', 'host', 'none']),
    platform: platform === undefined ? undefined : parsePlatform(platform),
    outputs,
    userns: args.choice('userns', ['auto', 'host']),
    usernsStart: start === undefined ? undefined : parseId(start),
    storeRoot: args.string('store'),
    signal: terminal.signal,
  };
}

function parseId(text: string): number {
  const id = Number(text);
  if (Number.isInteger(id) && id > 0 && id < 2 ** 32) return id;
  throw new TbuildError('TBUILD_USAGE', `--userns-start must be an id, not ${JSON.stringify(text)}`);
}

/** A build that fails must not leave the id of an earlier one (as docker build). A link or a device, /dev/stdout say, stays. */
async function removeStale(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats?.isFile() === true) await rm(path);
}

async function writingIid(path: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (cause) {
    throw new TbuildError('TBUILD_OUTPUT', `--iidfile ${path} cannot be written`, { cause });
  }
}
