import { parseJsonForm } from '../../../src/dockerfile/json-form.ts';
import { isLegacyKeyValue, parseEnv, parseLabel } from '../../../src/dockerfile/instructions/key-values.ts';
import { placedLine } from '../../../src/dockerfile/joined-line.ts';
import { readInstruction } from '../../../src/dockerfile/raw-instruction.ts';
import type { RawInstruction } from '../../../src/dockerfile/raw-instruction.ts';
import { splitInstructions } from '../../../src/dockerfile/split-instructions.ts';
import { splitBlanks, splitWords } from '../../../src/dockerfile/words.ts';

/**
 * What our splitting reads, printed as BuildKit prints its tree: `(copy ["--chown=1"] "a" "/b")`. It describes the level below the typed instructions, where rules such as
 * "COPY takes two arguments" do not hold yet: the corpus has files without FROM and instructions with made-up flags.
 */
export function toSExpression(text: string): string {
  const { directives, instructions } = splitInstructions(text, 'Dockerfile');
  return instructions.map((raw) => node(raw, directives.escape)).join('\n');
}

function node(raw: RawInstruction, escape: string): string {
  const flags = raw.flags.length === 0 ? [] : [`[${raw.flags.map(({ text }) => quote(text)).join(' ')}]`];
  return `(${[raw.name, ...flags, ...operands(raw, escape)].join(' ')})`;
}

function operands(raw: RawInstruction, escape: string): readonly string[] {
  const json = (args: string): readonly string[] | undefined => parseJsonForm(args, raw.span);
  const whole = (args: string): readonly string[] => (args === '' ? [] : [args]);
  switch (raw.name) {
    case 'env':
    case 'label': {
      const separator = isLegacyKeyValue(raw.args, escape) ? '' : '=';
      const { pairs } = (raw.name === 'env' ? parseEnv : parseLabel)(raw, escape);
      return pairs.flatMap(({ key, value }) => [key, value, separator]).map(quote);
    }
    case 'arg':
      return splitWords(raw.args, escape).map(quote);
    case 'onbuild':
      return raw.args === '' ? [] : [node(readInstruction(placedLine(raw.args, raw.span)), escape)];
    case 'healthcheck': {
      const [, type = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(raw.args) ?? [];
      return [...whole(type), ...(json(rest) ?? whole(rest))].map(quote);
    }
    case 'add':
    case 'copy':
    case 'volume':
      return (json(raw.args) ?? splitBlanks(raw.args)).map(quote);
    case 'from':
    case 'expose':
      return splitBlanks(raw.args).map(quote);
    case 'cmd':
    case 'entrypoint':
    case 'run':
    case 'shell':
      return (json(raw.args) ?? whole(raw.args)).map(quote);
    default:
      return whole(raw.args).map(quote);
  }
}

/** Go's `strconv.Quote`. */
function quote(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '"': '\\"',
    '\\': '\\\\',
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
  };
  const quoted = Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return names[character] ?? (code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : character);
  });
  return `"${quoted.join('')}"`;
}
