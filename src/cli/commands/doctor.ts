import { diagnose, diagnoseImage } from '../../index.ts';
import type { Finding } from '../../index.ts';
import { printable } from '../ui/format.ts';
import type { Command, CommandSpec } from '../command.ts';

const spec: CommandSpec = {
  name: 'doctor',
  usage: 'tbuild doctor [OPTIONS] [IMAGE]',
  summary: 'Say what this kernel and user can do, and which sandbox will be used',
  details: 'With IMAGE: which release it is, what it needs of the processor and the kernel, and whether it runs here.',
  positionals: { min: 0, max: 1 },
  options: { json: { type: 'boolean', help: 'The findings as JSON' } },
};

const marks = { ok: 'ok  ', warning: 'warn', failure: 'FAIL' } as const;

export const command: Command = {
  spec,
  async run(args, { stdout }) {
    const [image] = args.positionals;
    const storeRoot = args.string('store');
    const diagnosis = image === undefined ? await diagnose({ storeRoot }) : await diagnoseImage({ image, storeRoot });
    const isBroken = diagnosis.findings.some(({ status }) => status === 'failure');
    if (args.flag('json')) {
      stdout.write(`${JSON.stringify(diagnosis, null, 2)}\n`);
    } else {
      for (const finding of diagnosis.findings) stdout.write(describe(finding));
      const conclusion =
        'sandbox' in diagnosis
          ? `RUN will use: ${diagnosis.sandbox}`
          : `${image} ${isBroken ? 'cannot run' : 'can run'} on this machine`;
      stdout.write(`\n${conclusion}\n`);
    }
    return isBroken ? 1 : 0;
  },
};

function describe({ status, what, finding, remedy }: Finding): string {
  return `[${marks[status]}] ${what}: ${printable(finding)}\n${remedy === undefined ? '' : `       -> ${remedy}\n`}`;
}
