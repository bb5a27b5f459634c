import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  rmdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openStore } from '../../src/index.ts';
import { auditStore } from '../helpers/audit-store.ts';
import { startProgram } from '../helpers/program.ts';
import type { ProgramUser } from '../helpers/program.ts';
import { killRounds, victims } from './rounds.ts';
import type { Victim } from './rounds.ts';

const help = `Usage: node test/crash/kill-random.mjs [OPTIONS] [COUNT [VICTIM…]]

Builds a Node server application with dependencies, kills (SIGKILL) one of VICTIM at COUNT random moments (default: 50),
and after each of them builds to the end and runs the image. VICTIM: builder, helper, worker, init (default: all).
Then reads every layer of the store again, and prunes. Ends with status 1 when a process or mount was left, a build to
the end failed, or the store shows something that is not what its digest says.

Options:
      --base IMAGE   Base image with node and npm (default: localhost:5000/node:20)
      --cold         Empty the store before each build that is killed: the base image is fetched, too
      --user NAME    Run tbuild as this user
      --seed N       The same moments and victims again
      --directory D  Where the store and the context go (default: a new one, removed at the end)
      --program P    tbuild's bin (default: dist/tbuild.cjs of this project)
      --help         Print this help
`;

interface Place {
  readonly project: string;
  /** This script, bundled. */
  readonly script: string;
}

/** @returns the exit status */
export async function main(argv: readonly string[], place: Place): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      base: { type: 'string', default: 'localhost:5000/node:20' },
      cold: { type: 'boolean', default: false },
      user: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      directory: { type: 'string' },
      program: { type: 'string', default: join(place.project, 'dist/tbuild.cjs') },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return print(help);
  const [count = '50', ...who] = positionals;
  const chosen = who.length === 0 ? victims : who.map(asVictim);
  const user = values.user === undefined ? undefined : findUser(values.user);
  const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'tbuild-kill-'));
  const group = openGroup();
  try {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o755);
    if (user !== undefined) chownSync(directory, user.uid, user.gid);
    const store = join(directory, 'store');
    const context = join(directory, 'context');
    writeApplication(context, values.base);
    print(`${count} moments, seed ${values.seed}, as ${values.user ?? 'this user'}, FROM ${values.base}\n`);
    const program = [process.execPath, values.program];
    const wrong = [
      ...(await killRounds({
        program,
        user,
        store,
        build: ['-t', 'app', context],
        count: Number(count),
        victims: chosen,
        random: generator(Number(values.seed)),
        change(round) {
          if (values.cold) rmSync(store, { recursive: true, force: true });
          changeApplication(context, round);
        },
        expected: (round) => ({
          run: ['app', 'node', 'server.js', '--check'],
          output: `round ${round}: 5 dependencies\n`,
        }),
        log: (line) => print(`${line}\n`),
      })),
    ];
    const left = group?.others() ?? [];
    wrong.push(...left.map((each) => `process ${each} was left`));
    const audit = await audited(store, user, place.script);
    print(`${readdirSync(join(store, 'layers')).length} layers in the store, ${audit.length} things wrong with them\n`);
    wrong.push(...audit);
    for (const options of [[], ['--all']]) {
      const { code, stderr } = await startProgram([...program, 'prune', '--store', store, ...options], user).ended;
      if (code !== 0) wrong.push(`prune ${options.join(' ')}: ${code} ${stderr}`);
      const remaining = readdirSync(join(store, 'tmp'));
      if (remaining.length > 0) wrong.push(`in tmp/ after prune ${options.join(' ')}: ${remaining.join(' ')}`);
    }
    for (const what of wrong) print(`WRONG: ${what}\n`);
    print(wrong.length === 0 ? 'all is well\n' : `${wrong.length} things went wrong\n`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    group?.close();
    if (values.directory === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

/** Called in a process of the store's owner, who alone knows the ids on its disk. */
export async function audit(root: string): Promise<readonly string[]> {
  await using store = await openStore({ root });
  return await auditStore(store);
}

async function audited(store: string, user: ProgramUser | undefined, script: string): Promise<string[]> {
  const code = `import(${JSON.stringify(script)}).then(async ({ audit }) => console.log(JSON.stringify(await audit(${JSON.stringify(store)}))))`;
  const { stdout, stderr } = await startProgram([process.execPath, '--eval', code], user).ended;
  return stdout === '' ? [`the audit failed: ${stderr}`] : (JSON.parse(stdout) as string[]);
}

const dependencies = ['express', 'lodash', 'zod', 'dayjs', 'uuid'];

function writeApplication(context: string, base: string): void {
  mkdirSync(join(context, 'lib'), { recursive: true });
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM ${base}
WORKDIR /app
COPY package*.json ./
RUN npm ci
COPY . .
RUN node server.js --check > /built && chown 1000:1000 /built
USER 1000:1000
ENV PORT=8080
EXPOSE 8080
CMD ["node", "server.js"]
`,
  );
  writeFileSync(
    join(context, 'server.js'),
    `const { createServer } = require('node:http');
const names = Object.keys(require('./package.json').dependencies);
for (const name of names) require.resolve(name);
const text = 'round ' + require('./round.json').round + ': ' + names.length + ' dependencies\\n';
if (process.argv[2] === '--check') process.stdout.write(text);
else createServer((_, response) => response.end(text)).listen(process.env.PORT);
`,
  );
  for (let index = 0; index < 200; index++)
    writeFileSync(join(context, 'lib', `part-${index}.js`), `module.exports = ${index};\n`.repeat(1 + (index % 50)));
  writeFileSync(join(context, '.dockerignore'), 'node_modules\nDockerfile\n');
  const range = Object.fromEntries(dependencies.map((name) => [name, '*']));
  writeFileSync(join(context, 'package.json'), JSON.stringify({ name: 'app', version: '1.0.0', dependencies: range }));
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { cwd: context, stdio: 'ignore' });
}

/** A new version of the manifest and of a source file: every step after WORKDIR does its work anew. */
function changeApplication(context: string, round: number): void {
  for (const file of ['package.json', 'package-lock.json']) {
    const path = join(context, file);
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as {
      version: string;
      packages?: Record<string, { version: string }>;
    };
    manifest.version = `1.0.${round}`;
    const own = manifest.packages?.[''];
    if (own !== undefined) own.version = manifest.version;
    writeFileSync(path, JSON.stringify(manifest));
  }
  writeFileSync(join(context, 'round.json'), JSON.stringify({ round }));
}

/** A cgroup for this process and all that it starts, however often they fork; undefined where none can be made. */
function openGroup(): { readonly others: () => readonly string[]; readonly close: () => void } | undefined {
  for (const hierarchy of ['/sys/fs/cgroup', '/sys/fs/cgroup/pids']) {
    const group = join(hierarchy, `tbuild-kill-${process.pid}`);
    if (!existsSync(join(hierarchy, 'cgroup.procs'))) continue;
    try {
      mkdirSync(group);
      writeFileSync(join(group, 'cgroup.procs'), String(process.pid));
    } catch {
      continue;
    }
    return {
      others: () =>
        readFileSync(join(group, 'cgroup.procs'), 'utf8')
          .split('\n')
          .filter((pid) => pid !== '' && Number(pid) !== process.pid),
      close() {
        writeFileSync(join(hierarchy, 'cgroup.procs'), String(process.pid));
        rmdirSync(group);
      },
    };
  }
  print('no cgroup can be made: processes are followed through their parents only\n');
  return undefined;
}

function findUser(name: string): ProgramUser {
  const [, , uid, gid, , home] = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).split(':');
  const env = { PATH: process.env['PATH'] ?? '', HOME: home ?? '/', USER: name, LOGNAME: name };
  return { uid: Number(uid), gid: Number(gid), env };
}

function asVictim(name: string): Victim {
  const found = victims.find((each) => each === name);
  if (found === undefined) throw new Error(`${name} is none of ${victims.join(', ')}`);
  return found;
}

/** Numerical Recipes' linear congruential generator: the same moments for the same seed. */
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
