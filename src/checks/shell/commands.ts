import { createReader } from './reader.ts';
import type { Reader } from './reader.ts';

/** One simple command of a shell text. Nothing is expanded: `$A` and `*` stay as they are written. */
export interface ShellCommand {
  /** Quotes and escapes removed. Never empty. */
  readonly words: readonly string[];
  /** `A=b` in front of the words. */
  readonly assignments: readonly string[];
  /** Files that `>` and `>>` write. */
  readonly written: readonly string[];
}

/**
 * The simple commands of a text for a POSIX shell, in the order in which they stand, those of `$(…)`, of both sides of `||` and of branches too. What is no valid text is read as well as it can be:
 * this is for advice, and decides nothing.
 */
export function shellCommands(text: string): readonly ShellCommand[] {
  return commandsIn(text, 0);
}

/** Nobody nests deeper, and each level is read again. */
const maxDepth = 8;

function commandsIn(text: string, depth: number): readonly ShellCommand[] {
  const found: ShellCommand[] = [];
  const reader = createReader(text);
  const addInner = (inner: string): void => {
    if (depth < maxDepth) found.push(...commandsIn(inner, depth + 1));
  };
  for (let command = readCommand(reader, addInner); command !== 'end'; command = readCommand(reader, addInner)) {
    const simple = command === undefined ? undefined : toSimple(command);
    if (simple !== undefined) found.push(simple);
  }
  return found;
}

/** `RUN ["sh", "-c", "…"]` and `RUN ["npm", "ci"]` are commands as well. */
export function execCommands(argv: readonly string[]): readonly ShellCommand[] {
  const [program = '', option, text] = argv;
  if (/(^|\/)(sh|bash|dash|ash|zsh)$/.test(program) && /^-[a-z]*c$/.test(option ?? '') && text !== undefined) {
    return shellCommands(text);
  }
  const simple = toSimple({ words: argv, written: [] });
  return simple === undefined ? [] : [simple];
}

interface RawCommand {
  readonly words: readonly string[];
  readonly written: readonly string[];
}

/** Undefined: an empty one. */
function readCommand(reader: Reader, addInner: (inner: string) => void): RawCommand | undefined | 'end' {
  const words: string[] = [];
  const written: string[] = [];
  let target: 'written' | 'read' | undefined;
  for (;;) {
    const token = reader.next();
    switch (token.kind) {
      case 'end':
        return words.length > 0 || written.length > 0 ? { words, written } : 'end';
      case 'operator':
        return words.length > 0 || written.length > 0 ? { words, written } : undefined;
      case 'redirect':
        target = token.writes ? 'written' : 'read';
        break;
      case 'word':
        token.substituted.forEach(addInner);
        if (target === undefined) words.push(token.text);
        else if (target === 'written') written.push(token.text);
        target = undefined;
        break;
    }
  }
}

const keywords: ReadonlySet<string> = new Set(['!', '{', '}', 'if', 'then', 'else', 'elif', 'while', 'until', 'do']);
const closing: ReadonlySet<string> = new Set(['fi', 'done', 'esac']);
/** Programs that run another one. */
const wrappers: ReadonlySet<string> = new Set(['sudo', 'env', 'exec', 'command', 'time', 'nice', 'nohup']);

/** Undefined: it runs nothing. */
function toSimple({ words, written }: RawCommand): ShellCommand | undefined {
  const assignments: string[] = [];
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (/^[A-Za-z_]\w*=/.test(word)) assignments.push(word);
    else if (wrappers.has(word)) while (words[at + 1]?.startsWith('-') === true) at++;
    else if (!keywords.has(word) && !closing.has(word)) break;
  }
  const rest = words.slice(at);
  if (rest.length === 0 && written.length === 0) return undefined;
  return { words: rest.length === 0 ? [':'] : rest, assignments, written };
}
