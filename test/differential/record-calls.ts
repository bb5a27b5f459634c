import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execute, findPeers } from '../compare/peers.ts';
import type { Peers } from '../compare/peers.ts';
import { writeTree } from '../helpers/tree.ts';
import type { CallOutcome } from './call-outcome.ts';
import { readCases } from './case.ts';
import type { DifferentialCase } from './case.ts';
import { makeBase, refusal } from './docker-base.ts';

/** Asks docker what `--call=outline` and `--call=targets` say of each case of fixtures/calls. @returns the exit status */
export async function recordCalls(
  names: readonly string[],
  { project, say }: { readonly project: string; readonly say: (line: string) => number },
): Promise<number> {
  const fixtures = join(project, 'fixtures/calls');
  const peers = findPeers(project);
  if (typeof peers === 'string') return say(`skipped: needs peers: ${peers}`);
  mkdirSync(peers.work, { recursive: true });
  const directory = mkdtempSync(join(peers.work, 'tbuild-calls-'));
  try {
    const base = await makeBase(project, directory);
    const path = join(fixtures, 'calls.json');
    const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, CallOutcome>) : {};
    const cases = readCases(fixtures)['calls'] ?? [];
    const results: Record<string, CallOutcome | undefined> = {};
    for (const each of cases) {
      const isWanted = names.length === 0 || names.some((part) => each.name.includes(part));
      if (isWanted) say(each.name);
      results[each.name] = isWanted ? await ask({ peers, directory, base: base.context }, each) : known[each.name];
    }
    writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`);
    await execute('npx', ['prettier', '--write', path], project);
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Bench {
  readonly peers: Peers;
  readonly directory: string;
  /** What `--build-context base=` takes. */
  readonly base: string;
}

async function ask({ peers, directory, base }: Bench, each: DifferentialCase): Promise<CallOutcome> {
  const context = mkdtempSync(join(directory, 'case-'));
  writeTree(context, { Dockerfile: each.dockerfile });
  const options = [
    `--build-context=base=${base}`,
    ...Object.entries(each.buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...(each.target === undefined ? [] : [`--target=${each.target}`]),
  ];
  const call = async (method: string): Promise<string> => {
    try {
      return await peers.run(['docker', 'buildx', 'build', `--call=${method}`, ...options, context]);
    } catch (error) {
      return `refused: ${refusal(error instanceof Error ? error.message : String(error))}`;
    }
  };
  const both = async (method: string): Promise<CallOutcome['outline']> => {
    const text = await call(method);
    if (text.startsWith('refused: ')) return { refused: text.slice('refused: '.length) };
    return { text: text.split('\n'), json: JSON.parse(await call(`${method},format=json`)) as Record<string, unknown> };
  };
  return { outline: await both('outline'), targets: await both('targets') };
}
