import { TbuildError } from '../../errors.ts';
import type { WriteEntry } from '../../native/helper-types.ts';
import { resolveOwner } from '../../rootfs/accounts.ts';
import type { LayerStep } from '../layer-step.ts';
import type { Session } from '../session.ts';
import type { StageState, StateAccess } from '../stage-state.ts';
import { createPlacer } from '../transfer/placer.ts';
import { epochSetting } from './settings.ts';

/** WORKDIR: makes the directories that are missing, owned by the stage's user; a layer even when there is nothing to make. */
export function workdirStep(session: Session, state: StageState, access: StateAccess, path: string): LayerStep {
  const user = state.draft.config.User ?? '';
  return {
    inputs: {
      text: `WORKDIR ${path}`,
      environment: {},
      settings: { user, ...epochSetting(session.options.epoch) },
      files: [],
      below: undefined,
    },
    async execute(job) {
      const reader = access.reader();
      // As --chown has it, not as RUN: a number without group is its own group (as docker build).
      const files = { view: access.view(), store: session.store, helper: session.helper };
      const owner = user === '' ? undefined : await resolveOwner(files, user, reader);
      const placer = createPlacer(reader, { owner, chmod: undefined });
      const walked = placer.walk(path);
      const entries: WriteEntry[] = [];
      if (walked.entry === undefined && walked.physical !== '') {
        entries.push(...placer.above(walked), placer.newDirectory(walked.physical));
      } else if (walked.entry !== undefined && walked.entry.type !== 'directory') {
        throw new TbuildError('TBUILD_COPY', `WORKDIR ${path}: /${walked.physical} is not a directory`, {
          hint: 'remove the file in an earlier step, or choose another directory',
        });
      }
      const diff = await session.helper.write(
        { diff: job.diff, rootAttributes: placer.rootAttributes, epoch: session.options.epoch, signal: session.signal },
        entries,
      );
      return { diff, readSet: { kind: 'facts', facts: reader.facts() } };
    },
  };
}
