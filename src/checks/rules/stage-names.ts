import type { TextRule } from '../rule.ts';
import { stageHeads } from '../stage-heads.ts';

export const duplicateStageName: TextRule = {
  over: 'text',
  name: 'DuplicateStageName',
  description: 'Stage names should be unique',
  why: 'Of several stages with one name a later FROM, COPY --from or --target takes the last: the others can be reached only by number.',
  fix: 'Give each stage a name of its own.',
  *find(input) {
    const seen = new Set<string>();
    for (const { raw, name } of stageHeads(input)) {
      const lowered = name?.toLowerCase();
      if (lowered === undefined) continue;
      if (seen.has(lowered)) {
        yield { message: `Duplicate stage name "${lowered}", stage names should be unique`, span: raw.span };
      }
      seen.add(lowered);
    }
  },
};

export const reservedStageName: TextRule = {
  over: 'text',
  name: 'ReservedStageName',
  description: 'Reserved words should not be used as stage names',
  why: 'scratch is the empty image and context the build context: a stage of that name hides it.',
  fix: 'Choose another name for the stage.',
  *find(input) {
    for (const { raw, name } of stageHeads(input)) {
      const lowered = name?.toLowerCase();
      if (lowered !== 'scratch' && lowered !== 'context') continue;
      const message = `Stage name should not use the same name as reserved stage "${lowered}"`;
      yield { message, span: raw.span };
    }
  },
};
