import type { CheckOptions } from '../dockerfile/check-options.ts';
import { catalogue } from './catalogue.ts';
import { ownRules } from './own-rules.ts';
import type { Finding } from './finding.ts';
import type { BuildInput, EvidenceInput, Rule, RuleFinding, TextInput } from './rule.ts';
import { isWanted, withoutSkipped } from './skips.ts';

/** What the rules find, in the order of the file. Without a build only those that need nothing but the text are asked, and without evidence none that needs some. */
export function runRules(
  text: TextInput,
  build: BuildInput | EvidenceInput | undefined,
  options: CheckOptions,
): readonly Finding[] {
  const findings = [...catalogue, ...ownRules]
    .filter((rule) => isWanted(rule, options))
    .flatMap((rule) => Array.from(ask(rule, text, build), ({ message, span }) => ({ rule: rule.name, message, span })));
  return withoutSkipped(findings, text.instructions).toSorted((left, right) => left.span.line - right.span.line);
}

function ask(rule: Rule, text: TextInput, build: BuildInput | EvidenceInput | undefined): Iterable<RuleFinding> {
  switch (rule.over) {
    case 'text':
      return rule.find(text);
    case 'build':
      return build === undefined ? [] : rule.find(build);
    case 'evidence': {
      const isAsked = build !== undefined && 'evidence' in build && (rule.isStrict !== true || build.evidence.isStrict);
      return isAsked ? rule.find(build) : [];
    }
  }
}
