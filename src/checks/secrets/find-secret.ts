import { secretPatterns } from './patterns.ts';

export interface FoundSecret {
  /** `a private key` */
  readonly what: string;
  readonly line: number;
}

/** The first thing in a file that looks like a secret. Never the value: nothing of it may get into a message. */
export function findSecret(path: string, content: string): FoundSecret | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  let first: { what: string; at: number } | undefined;
  for (const { what, files, pattern, isExcepted } of secretPatterns) {
    if (files !== undefined && !files.test(name)) continue;
    for (const match of content.matchAll(pattern)) {
      if (isExcepted?.test(match[0]) === true) continue;
      if (first === undefined || match.index < first.at) first = { what, at: match.index };
      break;
    }
  }
  return first && { what: first.what, line: lineOf(content, first.at) };
}

function lineOf(content: string, at: number): number {
  let line = 1;
  for (let next = content.indexOf('\n'); next !== -1 && next < at; next = content.indexOf('\n', next + 1)) line++;
  return line;
}
