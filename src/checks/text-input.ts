import type { SplitDockerfile } from '../dockerfile/split-instructions.ts';
import { trimGoSpace } from '../dockerfile/go-space.ts';
import type { TextInput } from './rule.ts';

/** The instructions with the comments above them. */
export function textInput({ directives, instructions, lines }: SplitDockerfile): TextInput {
  const comments = lines.filter(({ kind, number }) => kind === 'comment' && number > directives.count);
  let next = 0;
  let end = 0;
  return {
    escape: directives.escape,
    instructions: instructions.map((raw) => {
      const above: string[] = [];
      for (let line = comments[next]; line !== undefined && line.number < raw.span.line; line = comments[++next]) {
        if (line.number > end) above.push(trimGoSpace(trimGoSpace(line.content).slice(1)));
      }
      end = raw.span.endLine;
      return { ...raw, comments: above };
    }),
  };
}
