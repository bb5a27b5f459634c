import { refuseFlags } from '../flags.ts';
import type { ArgInstruction, EnvInstruction, KeyValue, LabelInstruction } from '../instruction.ts';
import { placeOfText } from '../raw-instruction.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError } from '../syntax-error.ts';
import { splitWords } from '../words.ts';

export function parseEnv(raw: RawInstruction, escape: string): EnvInstruction {
  return { kind: 'env', span: raw.span, text: raw.text, pairs: parsePairs(raw, escape) };
}

export function parseLabel(raw: RawInstruction, escape: string): LabelInstruction {
  return { kind: 'label', span: raw.span, text: raw.text, pairs: parsePairs(raw, escape) };
}

export function parseArg(raw: RawInstruction, escape: string): ArgInstruction {
  refuseFlags(raw);
  const args = splitWords(raw.args, escape).map((word) => {
    const [name, value] = cutAtEquals(word);
    if (name === '') throw blankName(raw);
    return { name, value };
  });
  if (args.length === 0) throw syntaxError('ARG requires at least one argument', raw.span);
  return { kind: 'arg', span: raw.span, text: raw.text, args };
}

/** `ENV name value`, the form that takes the rest of the line for the value. */
export function isLegacyKeyValue(args: string, escape: string): boolean {
  const first = splitWords(args, escape)[0];
  return first !== undefined && !first.includes('=');
}

function parsePairs(raw: RawInstruction, escape: string): readonly KeyValue[] {
  refuseFlags(raw);
  const name = raw.name.toUpperCase();
  if (raw.args === '') throw syntaxError(`${name} requires at least one argument`, raw.span);
  const pairs = splitPairs(raw, escape);
  if (pairs.some(({ key }) => key === '')) throw blankName(raw);
  return pairs;
}

/** The words of ENV and LABEL, whatever they are. Throws TBUILD_DOCKERFILE_SYNTAX where they are no pairs. */
export function splitPairs(raw: RawInstruction, escape: string): readonly KeyValue[] {
  if (isLegacyKeyValue(raw.args, escape)) return [parseLegacyPair(raw)];
  return splitWords(raw.args, escape).map((word) => parsePair(word, raw));
}

function parseLegacyPair(raw: RawInstruction): KeyValue {
  const blank = /[\t\v\f\r ]+/.exec(raw.args);
  if (blank === null) {
    const name = raw.name.toUpperCase();
    throw syntaxError(`${name} must have two arguments`, raw.span, `Write ${name} ${raw.args}=value.`);
  }
  return { key: raw.args.slice(0, blank.index), value: raw.args.slice(blank.index + blank[0].length) };
}

function parsePair(word: string, raw: RawInstruction): KeyValue {
  const [key, value] = cutAtEquals(word);
  if (value === undefined) {
    throw syntaxError(
      `Syntax error - can't find = in "${word}". Must be of the form: name=value`,
      placeOfText(raw, word),
      'Put quotes around a value that has spaces.',
    );
  }
  return { key, value };
}

function cutAtEquals(word: string): readonly [string, string | undefined] {
  const equals = word.indexOf('=');
  return equals === -1 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

function blankName(raw: RawInstruction): Error {
  return syntaxError(`${raw.name.toUpperCase()} names can not be blank`, raw.span);
}
