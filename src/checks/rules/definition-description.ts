import { splitBlanks, splitWords } from '../../dockerfile/words.ts';
import type { CommentedInstruction, TextRule } from '../rule.ts';
import { isCheckComment } from '../skips.ts';

export const invalidDefinitionDescription: TextRule = {
  over: 'text',
  name: 'InvalidDefinitionDescription',
  description:
    'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
  why: 'A comment above ARG or FROM that begins with the name is shown as its description, by --call=outline and --call=targets; any other is not.',
  fix: 'Begin the comment with the name, or put a line with only # between the two.',
  isExperimental: true,
  *find({ instructions, escape }) {
    for (const raw of instructions) {
      const names = definedNames(raw, escape);
      const comment = raw.comments.findLast((each) => !isCheckComment(each)) ?? '';
      if (names.length === 0 || comment === '' || names.some((name) => describes(comment, name))) continue;
      const name = names.length === 1 ? names[0] : `<${raw.name}_key>`;
      const message = `Comment for ${raw.name.toUpperCase()} should follow the format: \`# ${name ?? ''} <description>\``;
      yield { message, span: raw.span };
    }
  },
};

function definedNames({ name, args }: CommentedInstruction, escape: string): readonly string[] {
  if (name === 'arg') return splitWords(args, escape).map((word) => word.split('=', 1)[0] ?? '');
  if (name !== 'from') return [];
  const [, , stage] = splitBlanks(args);
  return stage === undefined ? [] : [stage.toLowerCase()];
}

function describes(comment: string, name: string): boolean {
  return comment === name || comment.startsWith(`${name} `);
}
