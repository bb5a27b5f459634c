import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { loadImage } from '../compare/image.ts';
import type { LoadedImage } from '../compare/image.ts';
import { execute, findPeers } from '../compare/peers.ts';
import type { Peers } from '../compare/peers.ts';
import { staticBaseImage } from '../../src/demo/base-image.ts';
import { writeTar } from '../../src/demo/tar-writer.ts';
import { writeTree } from '../helpers/tree.ts';
import { readCases } from './case.ts';
import type { DifferentialCase } from './case.ts';
import { describeImage } from './outcome.ts';
import type { Outcome } from './outcome.ts';

const help = `Usage: node test/differential/record.mjs [OPTIONS] [NAME…]

Builds the cases of fixtures/differential/*.txt (all, or those whose name contains one of the arguments) with docker,
and writes what became of them into the *.json beside them, which the tests compare tbuild with. Run npm ci before.

Options:
      --missing  Only cases that have no result yet
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
        results[each.name] = await buildWithDocker({ peers, directory, base }, each);
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
}

interface Base {
  readonly image: LoadedImage;
  /** What `--build-context base=` takes. */
  readonly context: string;
}

/** The base image of the tests, made by tbuild, in a directory that docker can read. */
async function makeBase(project: string, directory: string): Promise<Base> {
  const init = join(project, 'addon/build/init');
  if (!existsSync(init)) throw new Error(`${init} is missing: npm ci makes it`);
  await execute(process.execPath, [join(project, '.config/bundle.mjs')]);
  const [rootfs, archive, layout] = ['rootfs.tar', 'base.tar', 'base'].map((name) => join(directory, name));
  if (rootfs === undefined || archive === undefined || layout === undefined) throw new TypeError('three paths');
  const { entries } = staticBaseImage(readFileSync(init), (await execute(init, ['--list'])).trim().split('\n'));
  await pipeline(Readable.from(writeTar(entries)), createWriteStream(rootfs));
  mkdirSync(layout);
  writeFileSync(join(layout, 'Dockerfile'), 'FROM base\n');
  const tbuild = [join(project, 'dist/tbuild.cjs')];
  const store = ['--store', join(directory, 'store')];
  await execute(process.execPath, [...tbuild, 'import', ...store, '--change', 'ENV PATH=/bin', rootfs, 'base']);
  await execute(process.execPath, [...tbuild, 'build', ...store, '--output', `type=oci,dest=${archive}`, layout]);
  await execute('tar', ['-xf', archive, '-C', layout]);
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: readonly { digest: string }[];
  };
  return { image: await loadImage(archive), context: `oci-layout://${layout}@${index.manifests[0]?.digest ?? ''}` };
}

async function buildWithDocker({ peers, directory, base }: Bench, each: DifferentialCase): Promise<Outcome> {
  const place = mkdtempSync(join(directory, 'case-'));
  const [context, archive] = [join(place, 'context'), join(place, 'image.tar')];
  mkdirSync(context);
  writeTree(context, { ...each.files, Dockerfile: each.dockerfile });
  const options = [
    `--build-context=base=${base.context}`,
    ...Object.entries(each.buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...(each.target === undefined ? [] : [`--target=${each.target}`]),
  ];
  const build = ['docker', 'build', '--network=host', '--provenance=false', '--progress=plain'];
  try {
    await peers.run([...build, `--output=type=oci,dest=${archive}`, ...options, context]);
  } catch (error) {
    return { refused: refusal(error instanceof Error ? error.message : String(error)) };
  }
  const image = await loadImage(archive);
  return describeImage(image, base.image);
}

/** Without what is another every time. */
function refusal(output: string): string {
  const line = output.slice(output.lastIndexOf('ERROR:')).split('\n')[0] ?? '';
  return line
    .replace(/^ERROR: (failed to build: )?(failed to solve: )?/, '')
    .replace(/ref \w+::\w+/, 'ref …')
    .trim();
}

function say(line: string): number {
  console.log(line);
  return 0;
}
