import { findRule, ruleUrl } from '../../checks/catalogue.ts';
import { check, look, readForRules } from '../../checks/check-dockerfile.ts';
import type { CheckOutcome } from '../../checks/check-dockerfile.ts';
import type { Finding } from '../../checks/finding.ts';
import { runRules } from '../../checks/run-rules.ts';
import type { TextInput } from '../../checks/rule.ts';
import type { CheckOptions } from '../../dockerfile/check-options.ts';
import type { Dockerfile } from '../../dockerfile/instruction.ts';
import { definedLater } from '../../dockerfile/stage-dependencies.ts';
import type { ResolvedStage } from '../../dockerfile/stages.ts';
import { isTbuildError } from '../../errors.ts';
import type { TbuildError } from '../../errors.ts';
import { firstFailure } from '../../util/first-failure.ts';
import { decodePathBytes } from '../../util/path-bytes.ts';
import type { BuildAccess } from '../access.ts';
import { withSource } from '../calls/with-input.ts';
import { withDockerfileText } from '../input.ts';
import type { BuildSource } from '../input.ts';
import { overriddenDirectives, parseKept } from '../load-dockerfile.ts';
import type { BuildOptions } from '../options.ts';
import { resolveBuild } from '../plan-build.ts';
import { seeBases } from './base-configs.ts';
import { gatherEvidence } from './evidence/gather.ts';
import { checkOptionsOf } from './findings.ts';
import { readIgnoreRules } from './ignore-rules.ts';
import { asViolation } from './refuse.ts';

export interface CheckRequest extends BuildOptions {
  /** Also asks rules that not everybody wants: `--check=strict`. @default false */
  readonly strict?: boolean | undefined;
}

/** What a rule found, with what it says about itself. */
export interface CheckFinding extends Finding {
  /** What the rule demands, in a sentence. */
  readonly description: string;
  /** Where docker tells more of it. */
  readonly url: string | undefined;
  readonly why: string;
  readonly fix: string;
}

export interface CheckReport {
  /** In the order of the file. */
  readonly findings: readonly CheckFinding[];
  /** Why the build would fail, as far as that can be seen without doing anything; with `error=true` the findings are a reason. */
  readonly error: TbuildError | undefined;
  readonly dockerfile: { readonly path: string; readonly bytes: Uint8Array };
}

export function runCheck(options: CheckRequest): Promise<CheckReport> {
  return withSource(options, async (source, access) => {
    const { findings, problem } = await checkSource(source, { ...access, isStrict: options.strict ?? false });
    return {
      findings: findings.map(explained),
      error: problem === undefined ? undefined : (withDockerfileText(problem, source) as TbuildError),
      dockerfile: { path: source.path, bytes: source.bytes },
    };
  });
}

interface CheckAccess extends BuildAccess {
  readonly isStrict: boolean;
}

/** As far as it gets: what cannot be parsed or planned is still looked at as text. */
async function checkSource(source: BuildSource, access: CheckAccess): Promise<CheckOutcome> {
  const { buildArgs } = access.options;
  let findInText: () => readonly Finding[] = () => [];
  try {
    const read = readForRules(decodePathBytes(source.bytes), source.path, overriddenDirectives(buildArgs));
    const checkOptions = await checkOptionsOf(read, buildArgs);
    findInText = () => check(read.text, undefined, checkOptions).findings;
    const { dockerfile } = await parseKept(access.store, source, buildArgs);
    return await checkBuild(access, { text: read.text, dockerfile, source }, checkOptions);
  } catch (error) {
    access.signal.throwIfAborted();
    const problem = firstFailure(error);
    if (!isTbuildError(problem) || problem.code === 'TBUILD_USAGE') throw problem;
    return { findings: findInText(), problem };
  }
}

interface ReadDockerfile {
  readonly text: TextInput;
  readonly dockerfile: Dockerfile;
  readonly source: BuildSource;
}

async function checkBuild(
  access: CheckAccess,
  { text, dockerfile, source }: ReadDockerfile,
  checkOptions: CheckOptions,
): Promise<CheckOutcome> {
  const { options } = access;
  const resolved = resolveBuild(dockerfile, options);
  // Without a target all stages are looked at, as docker does.
  const indexes = options.target === undefined ? dockerfile.stages.map(({ index }) => index) : resolved.reachable;
  const stages = indexes.flatMap((index) => resolved.stages[index] ?? []);
  const { seen, digests, problem: missing } = await seeBases(access, stages);
  const build = {
    dockerfile,
    resolved,
    indexes,
    buildArgs: new Map(Object.entries(options.buildArgs)),
    platform: options.platform,
    ...seen,
    ignore: await readIgnoreRules(source.context),
  };
  const { input, problem } = look(text, build);
  const evidence = await gatherEvidence(access, { ...input, source, resolved }, digests);
  const isNamedContext = (name: string): boolean => options.buildContexts.find(name) !== undefined;
  const judged = { ...input, target: resolved.target, isNamedContext, evidence };
  const findings = runRules(text, judged, checkOptions);
  const late = firstLateCopy(dockerfile, stages);
  return {
    findings,
    problem: late ?? missing ?? problem ?? (checkOptions.isError ? asViolation(findings) : undefined),
  };
}

/** Of stages that the target does not need: those that it needs have been looked at. */
function firstLateCopy({ stages }: Dockerfile, looked: readonly ResolvedStage[]): TbuildError | undefined {
  for (const { stage, dependencies } of looked) {
    const late = dependencies.find((other) => other > stage.index);
    if (late !== undefined) return definedLater(stages, stage.index, late);
  }
  return undefined;
}

function explained(finding: Finding): CheckFinding {
  const rule = findRule(finding.rule);
  if (rule === undefined) throw new TypeError(`there is no rule ${finding.rule}`);
  const { description, why, fix } = rule;
  return { ...finding, description, url: ruleUrl(rule), why, fix };
}
