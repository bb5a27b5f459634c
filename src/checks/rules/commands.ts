import type { LookedStep } from '../looked.ts';
import type { BuildRule } from '../rule.ts';

export const jsonArgsRecommended: BuildRule = {
  over: 'build',
  name: 'JSONArgsRecommended',
  description: 'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
  why: 'The text form runs the command below a shell, which is process 1 and passes no signals on: the container does not stop when it is asked to.',
  fix: 'Write a JSON array, CMD ["program", "argument"]; where a shell is meant, say so with SHELL.',
  *find({ looked }) {
    for (const { instruction, draft, raw, span } of looked.flatMap(({ steps }) => steps)) {
      if ((instruction.kind !== 'cmd' && instruction.kind !== 'entrypoint') || instruction.command.form === 'exec') {
        continue;
      }
      // Whoever chose a shell, in the file or in the base image, means it.
      if (draft.config.Shell !== undefined) continue;
      const message = `JSON arguments recommended for ${raw.keyword} to prevent unintended behavior related to OS signals`;
      yield { message, span };
    }
  },
};

export const multipleInstructionsDisallowed: BuildRule = {
  over: 'build',
  name: 'MultipleInstructionsDisallowed',
  description: 'Multiple instructions of the same type should not be used in the same stage',
  why: 'An image has one CMD, one ENTRYPOINT and one HEALTHCHECK: each replaces the one before.',
  fix: 'Keep the last one.',
  *find({ looked }) {
    for (const { steps } of looked) {
      for (const kind of ['cmd', 'entrypoint', 'healthcheck'] as const) yield* allButLast(steps, kind);
    }
  },
};

function* allButLast(
  steps: readonly LookedStep[],
  kind: LookedStep['instruction']['kind'],
): Generator<{ message: string; span: LookedStep['span'] }> {
  for (const { span } of steps.filter(({ instruction }) => instruction.kind === kind).slice(0, -1)) {
    const message = `Multiple ${kind.toUpperCase()} instructions should not be used in the same stage because only the last one will be used`;
    yield { message, span };
  }
}
