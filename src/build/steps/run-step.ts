import { constants } from 'node:os';
import type { RunInstruction, RunScript } from '../../dockerfile/instruction.ts';
import { proxyVariables } from '../../dockerfile/predefined-args.ts';
import { TbuildError } from '../../errors.ts';
import { commandLine } from '../../image/created-by.ts';
import { visibleVariables } from '../../image/draft.ts';
import { formatPlatform } from '../../oci/platform.ts';
import type { Platform } from '../../oci/platform.ts';
import type { RunOutcome } from '../../native/helper-types.ts';
import type { Job } from '../../store/types.ts';
import type { ExecutedStep, LayerStep } from '../layer-step.ts';
import type { Session } from '../session.ts';
import type { StageState, StateAccess } from '../stage-state.ts';
import type { StepRun } from '../step-run.ts';
import { rootAttributes } from '../transfer/placer.ts';
import { epochSetting } from './settings.ts';
import { createTail } from '../output-tail.ts';

export interface RunContext {
  readonly session: Session;
  readonly state: StageState;
  readonly access: StateAccess;
  readonly run: StepRun;
  readonly platform: Platform;
}

/** RUN: a command on the whole state. What it leaves in the upper directory is the layer. */
export function runStep(context: RunContext, instruction: RunInstruction): LayerStep {
  const { session, state, platform } = context;
  const { config } = state.draft;
  const { command, script } = instruction;
  const argv = commandLine(state.draft, command);
  const environment = Object.fromEntries(visibleVariables(state.draft));
  const network =
    instruction.network === undefined || instruction.network === 'default'
      ? session.options.network
      : instruction.network;
  const { hostname } = session.options;
  return {
    inputs: {
      text: `RUN ${command.form === 'shell' ? command.text : JSON.stringify(argv)}${script === undefined ? '' : `\n${script.content}`}`,
      environment,
      settings: {
        ...(command.form === 'shell' ? { shell: JSON.stringify(argv.slice(0, -1)) } : {}),
        user: config.User ?? '',
        workdir: config.WorkingDir ?? '/',
        network,
        ...(hostname === undefined ? {} : { hostname }),
        platform: formatPlatform(platform),
        ...epochSetting(session.options.epoch),
      },
      files: undefined,
      below: state.chainState,
    },
    execute: (job) =>
      execute(
        context,
        { argv, environment: { ...environment, ...proxyVariables(session.options.buildArgs) }, network, script },
        job,
      ),
  };
}

interface Invocation {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly network: 'host' | 'none';
  readonly script: RunScript | undefined;
}

async function execute(context: RunContext, invocation: Invocation, job: Job): Promise<ExecutedStep> {
  const { session, state, access, run } = context;
  const { helper, options, signal } = session;
  const attributes = rootAttributes(access.view().find(''));
  await helper.write({ diff: job.diff, rootAttributes: attributes, tar: false, signal }, []);
  const tail = createTail();
  const { runCommand } = await import('../../rootfs/run-command.ts');
  const outcome = await runCommand(session.store, {
    signal,
    chain: state.chain,
    job: job.path,
    argv: invocation.argv,
    environment: invocation.environment,
    workdir: state.draft.config.WorkingDir ?? '/',
    workdirOwner: 'user',
    user: state.draft.config.User ?? '',
    network: invocation.network,
    hostname: options.hostname,
    scripts: invocation.script === undefined ? [] : [invocation.script],
    onOutput(stream, chunk) {
      tail.add(chunk);
      // Frames share their buffer with what comes next.
      run.log(stream, Buffer.from(chunk));
      return session.room();
    },
  });
  if (outcome.kind === 'signal' || outcome.exitCode !== 0) throw failed(invocation.argv, outcome, tail.text());
  const diff = await helper.commit({
    diff: job.diff,
    work: job.work,
    rootAttributes: attributes,
    epoch: options.epoch,
    signal,
    onProgress: (bytes) => run.progress('layer', bytes, undefined),
  });
  return { diff, readSet: { kind: 'state', state: state.chainState } };
}

function failed(argv: readonly string[], outcome: RunOutcome, output: string): TbuildError {
  const how =
    outcome.kind === 'exit'
      ? `returned a non-zero code: ${outcome.exitCode}`
      : `was ended by ${signalName(outcome.signal)}`;
  const details = outcome.kind === 'exit' ? { exitCode: outcome.exitCode } : { signal: signalName(outcome.signal) };
  return new TbuildError('TBUILD_RUN_FAILED', `The command '${argv.join(' ')}' ${how}`, {
    hint: hintFor(outcome),
    details: { ...details, output },
  });
}

function hintFor(outcome: RunOutcome): string | undefined {
  if (outcome.kind === 'signal')
    return outcome.signal === constants.signals.SIGKILL ? 'it was killed, perhaps for want of memory' : undefined;
  if (outcome.exitCode === 127) return 'a program was not found: is it installed in the image, and is PATH right?';
  if (outcome.exitCode === 126) return 'a program cannot be executed: is it executable, and for this platform?';
  return undefined;
}

function signalName(signal: number): string {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `signal ${signal}`;
}
