import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { importImage, runImage } from '../index.ts';
import { collectBaseImage, staticBaseImage } from './base-image.ts';
import type { BaseImage } from './base-image.ts';
import { say } from './say.ts';
import { writeTar } from './tar-writer.ts';

/** What fixtures/hello says after FROM. */
const name = 'demo-base';

/** A harmless call of each program, to see it start in the sandbox. */
const trials: Readonly<Record<string, readonly string[]>> = {
  sh: ['-c', 'exit 0'],
  ls: ['/'],
  cat: ['/etc/os-release'],
  head: ['/etc/os-release'],
  mkdir: ['/tmp/made'],
  sleep: ['0'],
  uname: ['-r'],
};

/** Puts `demo-base` into the store: of the machine's programs where they run by themselves in the sandbox, else of the static program `init`. */
export async function makeBaseImage(storeRoot: string, init: string): Promise<void> {
  const own = collectBaseImage('/');
  const reason = await whyUnfit(storeRoot, own);
  if (reason === undefined) {
    say(`${own.programs.map((path) => basename(path)).join(' ')}: each of them ran in the sandbox.`);
    for (const left of own.leftOut) say(`(left out: ${left})`);
    return;
  }
  say(`This machine's own programs do not serve: ${reason}.`);
  if (!existsSync(init)) throw new Error(`${init} is missing: run npm ci, which makes it with the C compiler`);
  say('The static program fixtures/rootfs/init.c serves instead.');
  const applets = execFileSync(init, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  await importBase(storeRoot, staticBaseImage(readFileSync(init), applets));
  const failure = await tryPrograms(storeRoot, ['/bin/sh']);
  if (failure !== undefined) throw new Error(failure);
}

async function whyUnfit(storeRoot: string, base: BaseImage): Promise<string | undefined> {
  if (!base.programs.some((path) => basename(path) === 'sh')) return base.leftOut[0] ?? 'there is no sh';
  await importBase(storeRoot, base);
  return tryPrograms(storeRoot, base.programs);
}

async function importBase(storeRoot: string, base: BaseImage): Promise<void> {
  const bytes = base.entries.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
  await importImage({
    source: Readable.from(writeTar(base.entries)),
    origin: 'the demo',
    name,
    changes: ['ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'CMD ["sh"]'],
    storeRoot,
  });
  say(`Imported ${base.entries.length} files and directories (${(bytes / 1e6).toFixed(1)} MB) as ${name}.`);
}

/** The first program that does not end well, and how. */
async function tryPrograms(storeRoot: string, programs: readonly string[]): Promise<string | undefined> {
  for (const path of programs) {
    let output = '';
    const { exitCode } = await runImage({
      image: name,
      argv: [path, ...(trials[basename(path)] ?? [])],
      remove: true,
      network: 'none',
      storeRoot,
      onOutput: (stream, chunk) => {
        if (stream === 'stderr') output += Buffer.from(chunk).toString('utf8');
      },
    });
    if (exitCode !== 0) return `${path} ended with status ${exitCode} in the sandbox ${output.trim()}`.trim();
  }
  return undefined;
}
