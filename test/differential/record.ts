import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadImage } from '../compare/image.ts';
import { execute, findPeers } from '../compare/peers.ts';
import type { Peers } from '../compare/peers.ts';
import { readCases } from './case.ts';
import type { DifferentialCase } from './case.ts';
import { makeBase, refusal } from './docker-base.ts';
import type { Base } from './docker-base.ts';
import { describeImage } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { serveContexts } from './serve.ts';

const help = `Usage: node test/differential/record.mjs [OPTIONS] [NAME…]
       node test/differential/record.mjs calls [NAME…]

Builds the cases of fixtures/differential/*.txt (all, or those whose name contains one of the arguments) with docker,
and writes what became of them into the *.json beside them, which the tests compare tbuild with. Run npm ci before.
With calls: what docker answers to --call=outline and --call=targets in the cases of fixtures/calls/*.txt.

Options:
      --missing  Only cases that have no result yet
      --print    Print the results and write nothing
      --save     By docker save: for a daemon without containerd's image store, as $DOCKER_HOST may name one
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
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(help.trimEnd());
  if (positionals[0] === 'calls')
    return (await import('./record-calls.ts')).recordCalls(positionals.slice(1), { project, say });
  const fixtures = join(project, 'fixtures/differential');
  const peers = findPeers(project);
  if (typeof peers === 'string') return say(`skipped: needs peers: ${peers}`);
  mkdirSync(peers.work, { recursive: true });
  const directory = mkdtempSync(join(peers.work, 'tbuild-record-'));
  try {
    const base = await makeBase(project, directory);
    for (const [topic, cases] of Object.entries(readCases(fixtures))) {
      const path = join(fixtures, `${topic}.json`);
      const results = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Outcome>) : {};
      const isWanted = ({ name }: DifferentialCase): boolean =>
        (positionals.length === 0 || positionals.some((part) => name.includes(part))) &&
        !(values.missing && results[name] !== undefined);
      for (const each of cases.filter(isWanted)) {
        results[each.name] = await buildWithDocker({ peers, directory, base, save: values.save }, each);
        say(values.print ? `${each.name}: ${JSON.stringify(results[each.name], undefined, 2)}` : each.name);
      }
      const kept = cases.map(({ name }) => [name, results[name]] as const);
      if (!values.print) writeFileSync(path, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
    }
    if (!values.print) await execute('npx', ['prettier', '--write', 'fixtures/differential'], project);
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Bench {
  readonly peers: Peers;
  readonly directory: string;
  readonly base: Base;
  /** The image is taken out of the daemon's store. */
  readonly save: boolean;
}

async function buildWithDocker({ peers, directory, base, save }: Bench, each: DifferentialCase): Promise<Outcome> {
  const place = mkdtempSync(join(directory, 'case-'));
  const [here, archive] = [join(place, 'context'), join(place, 'image.tar')];
  mkdirSync(here);
  await using served = await serveContexts();
  const { context, named } = served.give(each, here);
  const options = [
    ...Object.entries(named).map(([name, source]) => `--build-context=${name}=${source}`),
    ...(each.file === undefined ? [] : [`--file=${each.context === 'directory' ? join(here, each.file) : each.file}`]),
    `--build-context=base=${base.context}`,
    ...Object.entries(each.buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...Object.entries(each.labels).map(([name, value]) => `--label=${name}=${value}`),
    // A cache mount of an earlier time would be another beginning.
    `--build-arg=BUILDKIT_CACHE_MOUNT_NS=${place}`,
    ...Object.entries(each.secrets).map(([id, value]) => `--secret=id=${id},src=${secretFile(place, id, value)}`),
    ...(each.target === undefined ? [] : [`--target=${each.target}`]),
  ];
  const build = ['docker', 'build', '--network=host', '--provenance=false', '--progress=plain'];
  try {
    if (save) await saveImage(peers, [...build, ...options, context], archive);
    else await peers.run([...build, `--output=type=oci,dest=${archive}`, ...options, context]);
  } catch (error) {
    return { refused: refusal(error instanceof Error ? error.message : String(error)) };
  }
  const image = await loadImage(archive);
  return describeImage(image, base.image);
}

function secretFile(place: string, id: string, value: string): string {
  const path = join(place, `secret-${id}`);
  writeFileSync(path, value);
  return path;
}

async function saveImage(peers: Peers, build: readonly string[], archive: string): Promise<void> {
  const name = 'tbuild-record:case';
  await peers.run([...build.slice(0, 2), `--tag=${name}`, ...build.slice(2)]);
  await peers.run(['docker', 'save', '--output', archive, name]);
  await peers.run(['docker', 'rmi', name]);
}

function say(line: string): number {
  console.log(line);
  return 0;
}
