import type { TextRule } from '../rule.ts';

export const noEmptyContinuation: TextRule = {
  over: 'text',
  name: 'NoEmptyContinuation',
  description: 'Empty continuation lines will become errors in a future release',
  why: 'A blank line inside an instruction looks like its end, and docker will read it so one day.',
  fix: 'Remove the blank line, or make it a comment: a line with only # in it.',
  *find({ instructions }) {
    for (const { blankContinuation } of instructions) {
      if (blankContinuation !== undefined) yield { message: 'Empty continuation line', span: blankContinuation };
    }
  },
};

export const maintainerDeprecated: TextRule = {
  over: 'text',
  name: 'MaintainerDeprecated',
  description: 'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
  why: 'MAINTAINER sets a field of the image config that few programs show; a label is found by all.',
  fix: 'Write LABEL org.opencontainers.image.authors="NAME <ADDRESS>".',
  *find({ instructions }) {
    for (const { name, span } of instructions) {
      if (name !== 'maintainer') continue;
      yield { message: 'Maintainer instruction is deprecated in favor of using label', span };
    }
  },
};
