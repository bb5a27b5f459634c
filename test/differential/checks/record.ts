import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { execute, findPeers } from '../../compare/peers.ts';
import type { Peers } from '../../compare/peers.ts';
import { readCases, readResult } from './case.ts';
import type { CheckCase, CheckResult } from './case.ts';

const help = `Usage: node test/differential/record.mjs checks [OPTIONS] [NAME…]

Has docker check the Dockerfiles of fixtures/checks/ (all, or those whose name contains one of the arguments),
and writes what it says into docker.json there, which the tests compare tbuild with.

Options:
      --missing  Only those that have no result yet
      --print    Print the results and write nothing
      --help     Print this help

The peers: $TBUILD_PEERS is the folder with in-peers (default: ../shared/peers), $PEERS_HOME their home.
`;

/** @returns the exit status */
export async function main(argv: readonly string[], project: string): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      missing: { type: 'boolean', default: false },
      print: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(help.trimEnd());
  const fixtures = join(project, 'fixtures/checks');
  const peers = findPeers(project);
  if (typeof peers === 'string') return say(`skipped: needs peers: ${peers}`);
  mkdirSync(peers.work, { recursive: true });
  const directory = mkdtempSync(join(peers.work, 'tbuild-record-'));
  try {
    const path = join(fixtures, 'docker.json');
    const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, CheckResult>) : {};
    const cases = readCases(fixtures);
    const isWanted = ({ name }: CheckCase): boolean =>
      (positionals.length === 0 || positionals.some((part) => name.includes(part))) &&
      !(values.missing && known[name] !== undefined);
    for (const each of cases.filter(isWanted)) {
      known[each.name] = await checkWithDocker(peers, directory, each);
      say(values.print ? `${each.name}: ${JSON.stringify(known[each.name], undefined, 2)}` : each.name);
    }
    if (values.print) return 0;
    const kept = cases.map(({ name }) => [name, known[name]] as const);
    writeFileSync(path, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
    await execute('npx', ['prettier', '--write', 'fixtures/checks/docker.json'], project);
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One of the registry among the peers. */
const image = { name: '127.0.0.1:5000/busybox', platform: 'linux/amd64' };

/** Docker 28 has CopyIgnoredFile among the experimental rules, as later versions have not: it is asked for where the case says nothing about checks. */
async function checkWithDocker(peers: Peers, directory: string, each: CheckCase): Promise<CheckResult> {
  const place = mkdtempSync(join(directory, 'case-'));
  const context = join(place, 'context');
  cpSync(each.context, context, { recursive: true });
  const args = each.args.map((arg) => arg.replace('{image}', image.name));
  const saysNothing =
    !args.some((arg) => arg.includes('BUILDKIT_DOCKERFILE_CHECK')) &&
    !/^# check=/m.test(readFileSync(each.dockerfile, 'utf8'));
  const check = [
    'docker',
    'build',
    '--call=check,format=json',
    `--file=${join(context, basename(each.dockerfile))}`,
    ...(saysNothing ? ['--build-arg=BUILDKIT_DOCKERFILE_CHECK=experimental=CopyIgnoredFile'] : []),
    ...args,
    context,
  ];
  const output = await peers.run(['sh', '-c', '"$@" 2>&-; echo "status $?"', 'sh', ...check]);
  const [json = '', status] = output.split(/^status /m);
  return readResult(json, Number(status), image);
}

function say(line: string): number {
  console.log(line);
  return 0;
}
