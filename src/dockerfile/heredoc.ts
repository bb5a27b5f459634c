import { isGoSpace } from './go-space.ts';

/** The first word of a RUN, COPY or ADD line that starts a heredoc (`<<EOF`, `3<<-"EOF"`, `<< EOF`), if one. */
export function findHeredoc(line: string, escape: string): string | undefined {
  if (!line.includes('<<')) return undefined;
  const words = shellWords(line, escape);
  for (const [index, word] of words.entries()) {
    const name = /^\d*<<-?([^<]*)$/.exec(word)?.[1];
    const next = words[index + 1] ?? '';
    if (name === '' && /^[^<]+$/.test(next)) return `${word} ${next}`;
    if (name !== undefined && !['', "''", '""'].includes(name)) return word;
  }
  return undefined;
}

/** Words with their quotes and escapes; none where a quote is not closed, since docker then sees no heredoc either. */
function shellWords(line: string, escape: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let quote: string | undefined;
  let braces = 0;
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (quote === undefined && braces === 0 && isGoSpace(character)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    word += character;
    if (character === escape && quote !== "'") word += line.charAt(++at);
    else if (character === quote) quote = undefined;
    else if (quote !== undefined) continue;
    else if (character === "'" || character === '"') quote = character;
    else if (character === '{' && line[at - 1] === '$') braces++;
    else if (character === '}' && braces > 0) braces--;
  }
  if (quote !== undefined || braces > 0) return [];
  return word === '' ? words : [...words, word];
}
