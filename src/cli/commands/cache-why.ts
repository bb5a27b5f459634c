import { describeCause, lastBuild, withStore } from '../../index.ts';
import type { BuildReport, ReportedStep } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';
import { formatDuration, shortId } from '../ui/format.ts';

const spec: CommandSpec = {
  name: 'cache why',
  usage: 'tbuild cache why [OPTIONS]',
  summary: 'Say why steps of the last build ran again',
  positionals: { min: 0, max: 0 },
  options: { json: { type: 'boolean', help: 'The whole report as JSON' } },
};

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const report = await withStore({ root: args.string('store') }, (store) => lastBuild(store));
    if (report === undefined) {
      stdout.write('Nothing has been built in this store yet.\n');
      return 0;
    }
    if (args.flag('json')) {
      stdout.write(`${JSON.stringify({ ...report, steps: report.steps.map(withMessage) })}\n`);
      return 0;
    }
    stdout.write(`Last build: ${nameOf(report)}, ${new Date(report.started).toISOString()}\n`);
    // Steps that ONBUILD brings have the number of their FROM.
    const total = Math.max(...report.steps.map(({ number }) => number));
    for (const step of report.steps) stdout.write(describeStep(step, total));
    return 0;
  },
};

/** In a repository or an archive the path says little. */
function nameOf({ dockerfile, context }: BuildReport): string {
  const isRelative = !dockerfile.startsWith('/') && !dockerfile.includes('://') && dockerfile !== '<stdin>';
  return isRelative && context !== '-' ? `${dockerfile} of ${context}` : dockerfile;
}

/** The cause as data, and in a sentence. */
function withMessage({ cause, ...step }: ReportedStep): object {
  return cause === undefined ? step : { ...step, cause: { ...cause, message: describeCause(cause) } };
}

function describeStep(step: ReportedStep, total: number): string {
  const head = `Step ${step.number}/${total} : ${step.text}\n`;
  switch (step.outcome) {
    case 'base':
      return step.layer === undefined ? head : `${head} ---> ${shortId(step.layer)}\n`;
    case 'cached':
      return `${head} ---> cached\n`;
    case 'executed':
    case 'failed': {
      const what = step.outcome === 'failed' ? 'failed' : 'ran';
      const because = step.cause === undefined ? '' : `, because ${describeCause(step.cause)}`;
      return `${head} ---> ${what} (${formatDuration(step.durationMs)})${because}\n`;
    }
    case 'not-reached':
      return `${head} ---> not reached\n`;
  }
}
