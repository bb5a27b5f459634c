import type { Instruction, KeyValue } from '../dockerfile/instruction.ts';
import { TbuildError } from '../errors.ts';
import type { ContainerConfig, HistoryEntry } from '../oci/config.ts';
import { commandLine, createdBy } from './created-by.ts';
import type { BuildArguments } from './created-by.ts';
import { withLast } from './draft.ts';
import type { ImageDraft } from './draft.ts';
import { exposedPorts } from './exposed-ports.ts';
import { healthcheckOf } from './healthcheck.ts';
import { formatTime } from './history-times.ts';
import { isStopSignal, suggestStopSignal } from './stop-signal.ts';

/** What the build knows about the step that an instruction became. */
export interface InstructionContext {
  /** With this instruction's. */
  readonly args: BuildArguments;
  /** The instruction put a layer on the chain. */
  readonly madeLayer: boolean;
  /** When its layer was made, milliseconds since the epoch. Undefined: the time is taken from the layers around it at assembly. */
  readonly created?: number | undefined;
}

/**
 * The image after one (expanded) instruction. Pure. Throws TBUILD_DOCKERFILE_SYNTAX, with the instruction's place, for ports and signals that docker refuses.
 */
export function applyInstruction(draft: ImageDraft, instruction: Instruction, context: InstructionContext): ImageDraft {
  const changed = applyToConfig(draft, instruction);
  const text = createdBy(changed, instruction, context.args);
  if (text === undefined) return changed;
  const entry: HistoryEntry = {
    ...(context.created === undefined ? {} : { created: formatTime(context.created) }),
    created_by: text,
    comment: historyFormat,
    ...(context.madeLayer ? {} : { empty_layer: true }),
  };
  return { ...changed, history: [...changed.history, entry] };
}

/** Where WORKDIR leads: an absolute path stays as it is written, a relative one is joined and cleaned, as docker does. */
export function resolveWorkdir(current: string | undefined, path: string): string {
  if (path.startsWith('/')) return path;
  const parts: string[] = [];
  for (const part of `${current ?? ''}/${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Names the format of `created_by`, which is BuildKit's: tools that read histories look for this very word. */
const historyFormat = 'buildkit.dockerfile.v0';

function applyToConfig(draft: ImageDraft, instruction: Instruction): ImageDraft {
  const { config } = draft;
  const set = (fields: ContainerConfig): ImageDraft => ({ ...draft, config: { ...config, ...fields } });
  switch (instruction.kind) {
    case 'env': {
      const names = new Set(instruction.pairs.map(({ key }) => key));
      const argValues = new Map([...draft.argValues].filter(([name]) => !names.has(name)));
      const order = withLast(
        draft.order,
        instruction.pairs.map(({ key }) => key),
      );
      return { ...set({ Env: instruction.pairs.reduce(setVariable, config.Env ?? []) }), argValues, order };
    }
    case 'label':
      return set({ Labels: { ...config.Labels, ...keyedBy(instruction.pairs) } });
    case 'cmd': {
      const { Cmd: _, ...rest } = config;
      const argv = commandLine(draft, instruction.command);
      return { ...draft, config: { ...rest, ...listField('Cmd', argv), ArgsEscaped: true }, isCmdSet: true };
    }
    case 'entrypoint': {
      const { Entrypoint: _, Cmd, ...rest } = config;
      const kept = draft.isCmdSet && Cmd !== undefined ? { Cmd } : {};
      return {
        ...draft,
        config: { ...rest, ...kept, ...listField('Entrypoint', commandLine(draft, instruction.command)) },
      };
    }
    case 'expose': {
      const ports = checkedPorts(instruction);
      return ports.length === 0 ? draft : set({ ExposedPorts: { ...config.ExposedPorts, ...setOf(ports) } });
    }
    case 'user': {
      const { User: _, ...rest } = config;
      return { ...draft, config: instruction.user === '' ? rest : { ...rest, User: instruction.user } };
    }
    case 'workdir':
      return set({ WorkingDir: resolveWorkdir(config.WorkingDir, instruction.path) });
    case 'volume':
      return set({ Volumes: { ...config.Volumes, ...setOf(instruction.paths) } });
    case 'stopsignal':
      if (isStopSignal(instruction.signal)) return set({ StopSignal: instruction.signal });
      throw unknownSignal(instruction);
    case 'shell':
      return set({ Shell: instruction.argv });
    case 'healthcheck':
      return set({ Healthcheck: healthcheckOf(instruction) });
    case 'maintainer':
      return { ...draft, author: instruction.name };
    case 'onbuild':
      return set({ OnBuild: [...(config.OnBuild ?? []), instruction.trigger] });
    case 'run':
    case 'copy':
    case 'add':
      return draft;
    case 'arg': {
      const values = instruction.args.flatMap(({ name, value }): [string, string][] =>
        value === undefined ? [] : [[name, value]],
      );
      const order = withLast(
        draft.order,
        values.map(([name]) => name),
      );
      return { ...draft, argValues: new Map([...draft.argValues, ...values]), order };
    }
  }
}

function setVariable(env: readonly string[], { key, value }: KeyValue): readonly string[] {
  const at = env.findIndex((entry) => entry.startsWith(`${key}=`));
  return at === -1 ? [...env, `${key}=${value}`] : env.with(at, `${key}=${value}`);
}

function keyedBy(pairs: readonly KeyValue[]): Readonly<Record<string, string>> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

function setOf(names: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

/** Empty lists clear what was inherited and are not written. */
function listField(name: 'Cmd' | 'Entrypoint', argv: readonly string[]): ContainerConfig {
  return argv.length === 0 ? {} : { [name]: argv };
}

function unknownSignal({ signal, span }: Extract<Instruction, { kind: 'stopsignal' }>): TbuildError {
  const near = suggestStopSignal(signal);
  return new TbuildError('TBUILD_DOCKERFILE_SYNTAX', `invalid signal: ${signal}`, {
    span,
    hint:
      near === undefined
        ? 'Write a signal of Linux by name or number, for example SIGTERM or 15.'
        : `Did you mean ${near}?`,
  });
}

function checkedPorts({ ports, span }: Extract<Instruction, { kind: 'expose' }>): readonly string[] {
  try {
    return ports.flatMap(exposedPorts);
  } catch (cause) {
    throw new TbuildError('TBUILD_DOCKERFILE_SYNTAX', `EXPOSE ${cause instanceof Error ? cause.message : ''}`, {
      span,
      cause,
      hint: 'Write a port or a range with an optional protocol, for example 80, 53/udp or 9000-9002.',
    });
  }
}
