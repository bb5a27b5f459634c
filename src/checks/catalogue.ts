import { ownRules } from './own-rules.ts';
import type { Rule } from './rule.ts';
import { consistentInstructionCasing, fromAsCasing, stageNameCasing } from './rules/casing.ts';
import { jsonArgsRecommended, multipleInstructionsDisallowed } from './rules/commands.ts';
import { invalidDefinitionDescription } from './rules/definition-description.ts';
import { exposeInvalidFormat, exposeProtoCasing } from './rules/expose.ts';
import {
  fromPlatformFlagConstDisallowed,
  invalidBaseImagePlatform,
  invalidDefaultArgInFrom,
  redundantTargetPlatform,
  undefinedArgInFrom,
} from './rules/from.ts';
import { copyIgnoredFile, workdirRelativePath } from './rules/paths.ts';
import { duplicateStageName, reservedStageName } from './rules/stage-names.ts';
import { maintainerDeprecated, noEmptyContinuation } from './rules/text-forms.ts';
import { legacyKeyValueFormat, secretsUsedInArgOrEnv, undefinedVar } from './rules/variables.ts';

/** Docker's rules. What several find on one line is told in this order. */
export const catalogue: readonly Rule[] = [
  noEmptyContinuation,
  stageNameCasing,
  fromAsCasing,
  maintainerDeprecated,
  duplicateStageName,
  reservedStageName,
  consistentInstructionCasing,
  invalidDefinitionDescription,
  invalidDefaultArgInFrom,
  fromPlatformFlagConstDisallowed,
  redundantTargetPlatform,
  undefinedArgInFrom,
  invalidBaseImagePlatform,
  undefinedVar,
  legacyKeyValueFormat,
  secretsUsedInArgOrEnv,
  workdirRelativePath,
  copyIgnoredFile,
  exposeProtoCasing,
  exposeInvalidFormat,
  jsonArgsRecommended,
  multipleInstructionsDisallowed,
];

/** Where docker tells of a rule; undefined for one that it does not tell of. */
export function ruleUrl(rule: Rule): string | undefined {
  const { name, hasNoPage = rule.over === 'evidence' } = rule;
  if (hasNoPage) return undefined;
  const slug = name.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '-').toLowerCase();
  return `https://docs.docker.com/go/dockerfile/rule/${slug}/`;
}

export function findRule(name: string): Rule | undefined {
  return [...catalogue, ...ownRules].find((rule) => rule.name === name);
}
