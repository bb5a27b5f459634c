import { diagnose } from '../../index.ts';
import type { Command, CommandSpec } from '../command.ts';

const spec: CommandSpec = {
  name: 'doctor',
  usage: 'tbuild doctor [OPTIONS]',
  summary: 'Say what this kernel and user can do, and which sandbox will be used',
  positionals: { min: 0, max: 0 },
  options: { json: { type: 'boolean', help: 'The findings as JSON' } },
};

const marks = { ok: 'ok  ', warning: 'warn', failure: 'FAIL' } as const;

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const diagnosis = await diagnose({ storeRoot: args.string('store') });
    if (args.flag('json')) {
      stdout.write(`${JSON.stringify(diagnosis, null, 2)}\n`);
    } else {
      for (const { status, what, finding, remedy } of diagnosis.findings) {
        stdout.write(`[${marks[status]}] ${what}: ${finding}\n`);
        if (remedy !== undefined) stdout.write(`       -> ${remedy}\n`);
      }
      stdout.write(`\nRUN will use: ${diagnosis.sandbox}\n`);
    }
    return diagnosis.findings.some(({ status }) => status === 'failure') ? 1 : 0;
  },
};
