import type { ResolvedStages } from '../../dockerfile/stages.ts';
import type { Finding } from '../../checks/finding.ts';
import { TbuildError } from '../../errors.ts';
import type { BuildAccess } from '../access.ts';
import type { BuildInput } from '../input.ts';
import { seeBases } from './base-configs.ts';
import { readFindings } from './findings.ts';
import { readIgnoreRules } from './ignore-rules.ts';

/** `error=true`: before anything is run, a finding fails the build with TBUILD_CHECK, after a warning for each. */
export async function refuseFindings(access: BuildAccess, input: BuildInput, resolved: ResolvedStages): Promise<void> {
  const stages = resolved.reachable.flatMap((index) => resolved.stages[index] ?? []);
  const { seen, problem } = await seeBases(access, stages);
  if (problem !== undefined) throw problem;
  const { options, store, emit } = access;
  const ignore = await readIgnoreRules(input.context);
  const findings = await readFindings(store, { options, input, resolved, seen, ignore });
  for (const { rule, message, span } of findings) emit({ type: 'warning', code: rule, message, span });
  const violation = asViolation(findings);
  if (violation !== undefined) throw violation;
}

/** The error that findings are with `error=true`; undefined for none. */
export function asViolation(findings: readonly Finding[]): TbuildError | undefined {
  const [first] = findings;
  if (first === undefined) return undefined;
  const rules = [...new Set(findings.map(({ rule }) => rule))];
  return new TbuildError('TBUILD_CHECK', `lint violation found for rules: ${rules.join(', ')}`, {
    span: first.span,
    hint: `${first.rule}: ${first.message}. \`tbuild build --check\` tells how to mend each; \`# check=skip=RULE\` leaves one out.`,
    details: { findings },
  });
}
