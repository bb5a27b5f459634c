import type { TextRule } from '../rule.ts';
import { stageHeads } from '../stage-heads.ts';

export const stageNameCasing: TextRule = {
  over: 'text',
  name: 'StageNameCasing',
  description: 'Stage names should be lowercase',
  why: 'Stage names are kept in small letters: COPY --from finds them in any case, and FROM only as they are kept.',
  fix: 'Write the name behind AS in small letters.',
  *find(input) {
    for (const { raw, name } of stageHeads(input)) {
      if (name === undefined || name === name.toLowerCase()) continue;
      yield { message: `Stage name '${name}' should be lowercase`, span: raw.span };
    }
  },
};

export const fromAsCasing: TextRule = {
  over: 'text',
  name: 'FromAsCasing',
  description: "The 'as' keyword should match the case of the 'from' keyword",
  why: 'The two are keywords of one instruction; in two cases the second is easily read as a name.',
  fix: 'Write FROM … AS …, or from … as ….',
  *find(input) {
    for (const { raw, as } of stageHeads(input)) {
      const { keyword, span } = raw;
      const casing = casingOf(keyword);
      if (as === undefined || casing === 'mixed' || casingOf(as) === casing) continue;
      yield { message: `'${as}' and '${keyword}' keywords' casing do not match`, span };
    }
  },
};

export const consistentInstructionCasing: TextRule = {
  over: 'text',
  name: 'ConsistentInstructionCasing',
  description: 'All commands within the Dockerfile should use the same casing (either upper or lower)',
  why: 'Keywords mean the same in any case; a file that mixes them is harder to skim.',
  fix: 'Write all keywords as most of the file has them, which by custom is in capitals.',
  *find({ instructions }) {
    const count = (wanted: Casing): number => instructions.filter(({ keyword }) => casingOf(keyword) === wanted).length;
    const majority = count('lower') > count('upper') ? 'lower' : 'upper';
    for (const { keyword, span } of instructions) {
      if (casingOf(keyword) === majority) continue;
      const message = `Command '${keyword}' should match the case of the command majority (${majority}case)`;
      yield { message, span };
    }
  },
};

type Casing = 'lower' | 'upper' | 'mixed';

function casingOf(word: string): Casing {
  if (word === word.toLowerCase()) return 'lower';
  return word === word.toUpperCase() ? 'upper' : 'mixed';
}
