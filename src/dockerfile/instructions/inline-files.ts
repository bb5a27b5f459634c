import { heredocFileName, heredocText, parseHeredocMark } from '../heredoc.ts';
import type { InlineFile } from '../instruction.ts';
import { placeOfText } from '../raw-instruction.ts';
import type { RawInstruction } from '../raw-instruction.ts';
import { syntaxError } from '../syntax-error.ts';
import { toWellFormed } from '../well-formed.ts';

export interface TransferWords {
  readonly sources: readonly string[];
  readonly inlineFiles: readonly InlineFile[];
  readonly destination: string;
}

/** The words of COPY and ADD: what the heredocs among them hold is written behind everything else, as docker does it. */
export function sortWords(words: readonly string[], destination: string, raw: RawInstruction): TransferWords {
  const isHeredoc = (word: string): boolean => raw.heredocs.length > 0 && parseHeredocMark(word) !== undefined;
  const name = raw.name.toUpperCase();
  if (isHeredoc(destination)) {
    const hint = `Write ${name} ${destination} DESTINATION.`;
    throw syntaxError(`${name} cannot accept a heredoc as a destination`, placeOfText(raw, destination), hint);
  }
  const marked = words.filter(isHeredoc);
  if (marked.length < raw.heredocs.length) {
    const [heredoc] = raw.heredocs;
    throw syntaxError(
      `${name} cannot accept a heredoc with blanks in its mark`,
      raw.span,
      `Write <<${heredoc?.name ?? 'EOF'} as one word.`,
    );
  }
  return {
    sources: words.filter((word) => !isHeredoc(word)),
    inlineFiles: marked.map((word) => inlineFile(word, raw)),
    destination,
  };
}

/** Of several heredocs of one name the last has the content for all, as in docker. */
function inlineFile(word: string, raw: RawInstruction): InlineFile {
  const heredoc = raw.heredocs.findLast(({ name }) => name === parseHeredocMark(word)?.name);
  if (heredoc === undefined) throw new TypeError('every mark in the words has its heredoc');
  const name = heredocFileName(heredoc);
  if (name === undefined) {
    throw syntaxError(
      `a heredoc becomes a file of its name, and ${heredoc.name} is none`,
      raw.span,
      'Give it a name without directories; where the file goes is said by the destination.',
    );
  }
  const { expands } = heredoc;
  const content = heredocText(heredoc);
  return { name: heredoc.name, content: expands ? toWellFormed(content) : content, expands };
}
