import type { CheckOptions } from '../dockerfile/check-options.ts';
import { catalogue } from './catalogue.ts';
import type { Finding } from './finding.ts';
import type { BuildInput, Rule, TextInput } from './rule.ts';
import { isWanted, withoutSkipped } from './skips.ts';

/** What the rules find, in the order of the file. Without a build only those that need nothing but the text are asked. */
export function runRules(text: TextInput, build: BuildInput | undefined, options: CheckOptions): readonly Finding[] {
  const find = (rule: Rule): readonly Finding[] => {
    const found = rule.over === 'text' ? rule.find(text) : build === undefined ? [] : rule.find(build);
    return Array.from(found, ({ message, span }) => ({ rule: rule.name, message, span }));
  };
  const findings = catalogue.filter((rule) => isWanted(rule, options)).flatMap(find);
  return withoutSkipped(findings, text.instructions).toSorted((left, right) => left.span.line - right.span.line);
}
