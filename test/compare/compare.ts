import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { listCases, prepareContext } from './cases.ts';
import type { Case } from './cases.ts';
import { compareImages } from './differences.ts';
import type { Difference } from './differences.ts';
import { expectations } from './expected.ts';
import { loadImage } from './image.ts';
import { execute, findPeers } from './peers.ts';
import type { Peers } from './peers.ts';

const help = `Usage: node test/compare/run.mjs [OPTIONS] [CASE…]

Builds the cases of fixtures/compare (all, or those whose name begins with one of the arguments) with tbuild and with
docker, and compares the images: the unpacked trees, what each layer says, and the configs. tbuild's archive must also
be taken by skopeo and umoci. Ends with status 1 when there is a difference that docs/differences.md does not explain.

Options:
      --registry HOST  Where busybox, debian:trixie and node:20 are (default: $COMPARE_REGISTRY, or localhost:5000)
      --user NAME      Run tbuild as this user
  -v, --verbose        Print expected differences too
      --list           Print the names of the cases
      --help           Print this help

The peers: $TBUILD_PEERS is the folder with in-peers (default: ../shared/peers), $PEERS_HOME their home.
`;

interface Bench {
  /** Seconds since the epoch. Steps of one case are reused in the next. */
  readonly started: number;
  readonly peers: Peers;
  readonly project: string;
  readonly directory: string;
  /** The program and first arguments of tbuild. */
  readonly tbuild: readonly [string, ...string[]];
  /** Directory of tbuild's store and archive. */
  readonly ours: string;
  readonly registry: string;
  readonly verbose: boolean;
}

/** @returns the exit status */
export async function main(argv: readonly string[], project: string): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      registry: { type: 'string', default: process.env['COMPARE_REGISTRY'] ?? 'localhost:5000' },
      user: { type: 'string' },
      verbose: { type: 'boolean', short: 'v', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(help.trimEnd());
  const all = listCases(join(project, 'fixtures/compare'));
  const cases = all.filter(({ name }) => positionals.length === 0 || positionals.some((each) => name.startsWith(each)));
  if (cases.length === 0) return fail(`no case begins with ${positionals.join(' or ')}`);
  if (values.list) return print(cases.map(({ name }) => name).join('\n'));
  const peers = findPeers(project);
  if (typeof peers === 'string') return print(`skipped: needs peers: ${peers}`);
  await execute(process.execPath, [join(project, '.config/bundle.mjs')]);
  mkdirSync(peers.work, { recursive: true });
  const directory = mkdtempSync(join(peers.work, 'tbuild-compare-'));
  chmodSync(directory, 0o755);
  const program = [process.execPath, join(project, 'dist/tbuild.cjs')] as const;
  const { user, registry, verbose } = values;
  const tbuild = user === undefined ? program : (['setpriv', ...asUser(user), ...program] as const);
  try {
    const ours = join(directory, 'tbuild');
    mkdirSync(ours);
    if (user !== undefined) await execute('chown', [`${user}:`, ours]);
    const chosen = cases.filter(({ needsRoot }) => user === undefined || !needsRoot);
    return await compareAll(
      { peers, project, directory, tbuild: [...tbuild], ours, registry, verbose, started: Date.now() / 1000 },
      chosen,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function compareAll(bench: Bench, cases: readonly Case[]): Promise<number> {
  let failures = 0;
  const counts = new Map<string, number>();
  for (const each of cases) {
    const started = Date.now();
    const problems = await compareCase(bench, each, counts).catch((error: unknown) => [String(error)]);
    print(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${each.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    for (const problem of problems) print(`     ${problem.replaceAll('\n', '\n     ')}`);
    if (problems.length > 0) failures++;
  }
  print('');
  for (const [title, count] of counts) print(`expected: ${title}: ${count}, see docs/differences.md`);
  print(`${cases.length - failures} of ${cases.length} cases are as docker builds them`);
  return failures === 0 ? 0 : 1;
}

/** @returns what is wrong */
async function compareCase(bench: Bench, each: Case, counts: Map<string, number>): Promise<readonly string[]> {
  const { peers, project, directory, verbose, started } = bench;
  const context = join(directory, each.name);
  prepareContext(join(project, 'fixtures/compare', each.name), context);
  const archives = { ours: join(bench.ours, 'archive.tar'), docker: join(directory, 'docker.tar') };
  const tag = `tbuild-compare/${each.name.toLowerCase()}`;
  try {
    const ours = await attempt(buildOurs(bench, each, { context, archive: archives.ours }));
    const docker = await attempt(buildDocker(bench, each, { context, archive: archives.docker, tag }));
    const refused = [
      ...checkRefusal('tbuild', ours, each.tbuildRefuses),
      ...checkRefusal('docker', docker, each.dockerRefuses ? 'ERROR:' : undefined),
    ];
    if (each.why !== undefined) counts.set(each.why, (counts.get(each.why) ?? 0) + 1);
    if (refused.length > 0 || ours !== undefined || docker !== undefined) return refused;
    const [image, other] = [await loadImage(archives.ours), await loadImage(archives.docker)];
    const problems: string[] = [];
    for (const difference of compareImages(image, other, started)) {
      const expectation = expectations.find(({ matches }) => matches(difference, each));
      if (expectation === undefined) problems.push(sentence(difference));
      else counts.set(expectation.title, (counts.get(expectation.title) ?? 0) + 1);
      if (expectation !== undefined && verbose) print(`     expected: ${sentence(difference)}`);
    }
    return [...problems, ...(await checkArchive(bench, archives.ours))];
  } finally {
    await peers.run(['docker', 'rmi', '--force', tag]).catch(() => undefined);
    for (const path of [context, ...Object.values(archives)]) rmSync(path, { recursive: true, force: true });
  }
}

interface Place {
  readonly context: string;
  readonly archive: string;
}

async function buildOurs({ tbuild, ours, registry }: Bench, each: Case, { context, archive }: Place): Promise<void> {
  const [program, ...first] = tbuild;
  const output = `type=oci,dest=${archive}`;
  await execute(program, [
    ...first,
    'build',
    '--store',
    join(ours, 'store'),
    '--output',
    output,
    ...buildArguments(each, registry, context),
  ]);
}

async function buildDocker(
  { peers, registry }: Bench,
  each: Case,
  { context, archive, tag }: Place & { readonly tag: string },
): Promise<void> {
  const build = ['docker', 'build', '--network=host', '--no-cache', '--provenance=false', '--quiet', '--tag', tag];
  await peers.run([...build, ...buildArguments(each, registry, context)]);
  await peers.run(['docker', 'save', '--output', archive, tag]);
}

function buildArguments({ args }: Case, registry: string, context: string): readonly string[] {
  const bases = ['BUSYBOX=busybox', 'DEBIAN=debian:trixie', 'NODE=node:20'];
  const given = bases.flatMap((base) => ['--build-arg', base.replace('=', `=${registry}/`)]);
  return [
    ...given,
    ...args.map((arg) => arg.replaceAll('{context}', context).replaceAll('{registry}', registry)),
    context,
  ];
}

/** Programs that others wrote must take the archive. */
async function checkArchive({ peers, directory }: Bench, archive: string): Promise<readonly string[]> {
  const layout = join(directory, 'layout');
  const bundle = join(directory, 'bundle');
  mkdirSync(layout);
  try {
    await execute('tar', ['-xf', archive, '-C', layout]);
    const { manifests } = JSON.parse(await execute('cat', [join(layout, 'index.json')])) as {
      manifests: readonly object[];
    };
    if (manifests.length !== 1) return [`the archive has ${manifests.length} images`];
    const inspected = await attempt(peers.run(['skopeo', 'inspect', `oci-archive:${archive}`]).then(() => undefined));
    // umoci finds an image by its tag only.
    const tagged = `oci:${layout}-tagged:image`;
    const copied = await attempt(
      peers.run(['skopeo', 'copy', '--quiet', `oci-archive:${archive}`, tagged]).then(() => undefined),
    );
    const unpacked = await attempt(
      peers.run(['umoci', 'unpack', '--image', `${layout}-tagged:image`, bundle]).then(() => undefined),
    );
    return [...say('skopeo inspect', inspected), ...say('skopeo copy', copied), ...say('umoci unpack', unpacked)];
  } finally {
    for (const path of [layout, `${layout}-tagged`, bundle]) rmSync(path, { recursive: true, force: true });
  }
}

/** @param wanted what an error must contain; undefined: there must be none */
function checkRefusal(who: string, error: string | undefined, wanted: string | undefined): readonly string[] {
  if (wanted === undefined) return say(who, error);
  if (error === undefined) return [`${who} builds what must fail`];
  return error.includes(wanted) ? [] : [`${who} fails otherwise than with ${wanted}: ${error}`];
}

/** Why it failed; undefined when it did not. */
async function attempt(work: Promise<void>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function asUser(name: string): readonly string[] {
  return [`--reuid=${name}`, `--regid=${name}`, '--init-groups', '--reset-env'];
}

function say(who: string, error: string | undefined): readonly string[] {
  return error === undefined ? [] : [`${who} fails: ${error}`];
}

function sentence({ area, where, what, ours, docker }: Difference): string {
  return `${area} ${where} ${what}: tbuild ${ours}, docker ${docker}`;
}

function print(line: string): number {
  console.log(line);
  return 0;
}

function fail(message: string): number {
  console.error(message);
  return 2;
}
