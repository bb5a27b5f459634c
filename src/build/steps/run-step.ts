import { constants } from 'node:os';
import type { RunInstruction, RunScript } from '../../dockerfile/instruction.ts';
import { proxyVariables } from '../../dockerfile/predefined-args.ts';
import { TbuildError } from '../../errors.ts';
import { commandLine } from '../../image/created-by.ts';
import { visibleVariables } from '../../image/draft.ts';
import { formatPlatform } from '../../oci/platform.ts';
import type { RunOutcome } from '../../native/helper-types.ts';
import type { Job } from '../../store/types.ts';
import type { StepInputs, TakenFiles } from '../../cache/inputs.ts';
import type { SandboxNetwork, SandboxSecurity } from '../../sandbox/plan.ts';
import { openCleanup } from '../../util/cleanup.ts';
import { checkEntitlements } from '../entitlements.ts';
import type { ExecutedStep, LayerStep } from '../layer-step.ts';
import { planMounts } from '../mounts/plan-mounts.ts';
import type { PlannedMounts } from '../mounts/plan-mounts.ts';
import type { Session } from '../session.ts';
import type { SourceAccess } from '../sources/open-source.ts';
import type { StageState, StateAccess } from '../stage-state.ts';
import { rootAttributes } from '../transfer/placer.ts';
import { epochSetting } from './settings.ts';
import { createTail } from '../output-tail.ts';

export interface RunContext extends SourceAccess {
  readonly state: StageState;
  readonly access: StateAccess;
}

/** RUN: a command on the whole state. What it leaves in the upper directory is the layer. */
export async function runStep(context: RunContext, instruction: RunInstruction): Promise<LayerStep> {
  const { session, state, plan } = context;
  // Once more: an ONBUILD trigger was not there when the build was planned.
  checkEntitlements(instruction, session.options);
  const { config } = state.draft;
  const { command, script, security = 'sandbox' } = instruction;
  const argv = commandLine(state.draft, command);
  const environment = Object.fromEntries(visibleVariables(state.draft));
  const network = networkOf(instruction, session);
  const { hostname } = session.options;
  const workdir = config.WorkingDir ?? '/';
  const mounts = await planMounts(context, instruction, workdir);
  const inputsFor = (files: readonly TakenFiles[]): StepInputs => ({
    text: `RUN ${command.form === 'shell' ? command.text : JSON.stringify(argv)}${script === undefined ? '' : `\n${script.content}`}`,
    environment,
    settings: {
      ...(command.form === 'shell' ? { shell: JSON.stringify(argv.slice(0, -1)) } : {}),
      user: config.User ?? '',
      workdir,
      network,
      ...(security === 'sandbox' ? {} : { security }),
      ...(hostname === undefined ? {} : { hostname }),
      platform: formatPlatform(plan.platform),
      ...epochSetting(session.options.epoch),
      ...mounts.settings,
    },
    files,
    below: state.chainState,
  });
  return {
    inputs: inputsFor(mounts.files),
    describeFiles: mounts.describeFiles,
    async execute(job) {
      const invocation = { argv, environment, network, security, script, mounts };
      const { files, ...executed } = await execute(context, invocation, job);
      const isChanged = files.some(({ digest }, index) => digest !== mounts.files[index]?.digest);
      return { ...executed, inputs: isChanged ? inputsFor(files) : undefined };
    },
  };
}

/** The host's, where nobody says otherwise: there is no other network yet. */
function networkOf({ network = 'default' }: RunInstruction, { options }: Session): SandboxNetwork {
  const asked = network === 'default' ? options.network : network;
  return asked === 'none' ? 'none' : 'host';
}

interface Invocation {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly network: SandboxNetwork;
  readonly security: SandboxSecurity;
  readonly script: RunScript | undefined;
  readonly mounts: PlannedMounts;
}

async function execute(
  context: RunContext,
  invocation: Invocation,
  job: Job,
): Promise<ExecutedStep & { readonly files: readonly TakenFiles[] }> {
  const { session, state, access, run } = context;
  const { helper, options, signal } = session;
  const attributes = rootAttributes(access.view().find(''));
  await using cleanup = openCleanup();
  const { openMounts } = await import('../mounts/open-mounts.ts');
  const opened = await openMounts({ session, run, job, cleanup }, invocation.mounts);
  await helper.write({ diff: job.diff, rootAttributes: attributes, tar: false, signal }, []);
  const tail = createTail();
  const { runCommand } = await import('../../rootfs/run-command.ts');
  const outcome = await runCommand(session.store, {
    signal,
    chain: state.chain,
    job: job.path,
    argv: invocation.argv,
    environment: {
      ...invocation.mounts.environment,
      ...invocation.environment,
      ...proxyVariables(options.buildArgs),
      ...opened.environment,
    },
    workdir: state.draft.config.WorkingDir ?? '/',
    workdirOwner: 'user',
    user: state.draft.config.User ?? '',
    network: invocation.network,
    security: invocation.security,
    hostname: options.hostname,
    scripts: invocation.script === undefined ? [] : [invocation.script],
    mounts: opened.mounts,
    onOutput(stream, chunk) {
      tail.add(chunk);
      // Frames share their buffer with what comes next.
      run.log(stream, Buffer.from(chunk));
      return session.room();
    },
  });
  // Others may have the cache mounts while the layer is listed.
  await cleanup[Symbol.asyncDispose]();
  if (outcome.kind === 'signal' || outcome.exitCode !== 0) throw failed(invocation.argv, outcome, tail.text());
  const diff = await helper.commit({
    diff: job.diff,
    work: job.work,
    rootAttributes: attributes,
    epoch: options.epoch,
    signal,
    onProgress: (bytes) => run.progress('layer', bytes, undefined),
  });
  return { diff, readSet: { kind: 'state', state: state.chainState }, files: opened.files };
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
