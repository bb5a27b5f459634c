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

/** All rules. What several find on one line is told in this order. */
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

/** Where docker tells of a rule. */
export function ruleUrl({ name, hasNoPage = false }: Rule): string | undefined {
  if (hasNoPage) return undefined;
  const slug = name.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '-').toLowerCase();
  return `https://docs.docker.com/go/dockerfile/rule/${slug}/`;
}

export function findRule(name: string): Rule | undefined {
  return catalogue.find((rule) => rule.name === name);
}
