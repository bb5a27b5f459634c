import { expandWords } from './expand.ts';
import type { ExpandOptions } from './expand.ts';
import { isTbuildError } from '../errors.ts';
import type { SourceSpan } from '../errors.ts';
import { parseJsonForm } from './json-form.ts';
import { splitCommand } from './split-command.ts';
import type { SplitCommand } from './split-command.ts';

/** `<<EOF`, `3<<-"EOF"`, `<< EOF`: what starts a heredoc. */
export interface HeredocMark {
  /** What the line that ends it holds, quotes removed. */
  readonly name: string;
  /** No part of the name was quoted: COPY and ADD expand variables in it. */
  readonly expands: boolean;
  /** `<<-`: tabs before its lines are dropped, before the one that ends it too. */
  readonly chomps: boolean;
}

export interface Heredoc extends HeredocMark {
  /** As written: with its line ends, and with the tabs that {@link heredocText} drops. */
  readonly content: string;
}

/** The line of an instruction, continuations joined, and its parts. */
interface InstructionLine extends SplitCommand {
  readonly name: string;
  readonly line: string;
  readonly span: SourceSpan;
}

/** The heredocs that the line of an instruction starts: of RUN, COPY and ADD, under ONBUILD too, but not of a JSON form. */
export function findHeredocs(raw: InstructionLine): readonly HeredocMark[] {
  if (!raw.line.includes('<<')) return [];
  const { keyword, args } = raw.name === 'onbuild' ? splitCommand(raw.args) : raw;
  if (!withHeredocs.has(keyword.toLowerCase()) || isJson(args, raw)) return [];
  const marks: HeredocMark[] = [];
  const words = lineWords(raw.line);
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const next = word.endsWith('<<') ? words[++index] : undefined;
    const mark = parseHeredocMark(next === undefined ? word : `${word} ${next}`);
    if (mark !== undefined) marks.push(mark);
  }
  return marks;
}

/** The word as the mark of a heredoc, if it is one and nothing else. */
export function parseHeredocMark(word: string): HeredocMark | undefined {
  const [, dash, rest = ''] = /^\d*<<(-?)[\t\n\f\r ]*([^<]*)$/.exec(word) ?? [];
  if (rest === '') return undefined;
  const [name, ...others] = wordsOf(rest, {});
  if (name === undefined || others.length > 0) return undefined;
  return { name, expands: wordsOf(rest, { quotes: 'keep' })[0] === name, chomps: dash === '-' };
}

/** What the command reads, or what the file is to hold. */
export function heredocText({ content, chomps }: Heredoc): string {
  return chomps ? content.replaceAll(/(^|\n)\t+/g, '$1') : content;
}

/** The name of the file that it becomes; undefined where its name is that of a directory, or leads into one. */
export function heredocFileName({ name }: Pick<HeredocMark, 'name'>): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 1 && parts[0] !== '..' ? parts[0] : undefined;
}

/** The first line, for people: ` (apt-get update...)`. */
export function summarizeHeredoc({ content }: Heredoc): string {
  const [first = '', ...others] = content.trim().split(/\r?\n/);
  return first === '' ? '' : ` (${first}${others.length > 0 ? '...' : ''})`;
}

const withHeredocs: ReadonlySet<string> = new Set(['run', 'copy', 'add']);
const noVariables: ReadonlyMap<string, string> = new Map();

function isJson(args: string, raw: InstructionLine): boolean {
  return parseJsonForm(args, raw.span) !== undefined;
}

/** With their quotes and escapes, which are the shell's business. None where a quote or a brace is not closed: docker then sees no heredoc either. */
function lineWords(line: string): readonly string[] {
  return wordsOf(line, { quotes: 'keep', escapes: 'keep' });
}

/** The escape is always `\` here, whatever the escape directive says. */
function wordsOf(text: string, options: ExpandOptions): readonly string[] {
  try {
    return expandWords(text, noVariables, '\\', { ...options, unset: 'keep' });
  } catch (error) {
    if (isTbuildError(error, 'TBUILD_EXPANSION')) return [];
    throw error;
  }
}
