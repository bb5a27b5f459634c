import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, time, timeWithMemory } from './measure.mjs';
import { bundleParsePlan, longDockerfile } from './parse-plan.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'dist', 'tbuild.cjs');
const node = process.execPath;

const plus = (value, text = `+ ${value} ms`) => ({ kind: 'plus', value, text });
const ratio = (value) => ({ kind: 'ratio', value, text: `${value} x` });
const memory = (value) => ({ kind: 'memory', value, text: `${value} MB` });
const absolute = (value) => ({ kind: 'time', value, text: `${value / 1000} s` });

const nodeStart = () => time([node, '-e', '0']);

/** The rows, in the order of the table. `promised` ones must be inside their budget. What a row needs on the disk is prepared when its turn comes. */
export function* rows(disk) {
  const work = join(disk, 'work');
  mkdirSync(work, { recursive: true });
  const env = { TBUILD_STORE: join(disk, 'store') };
  const tbuild = (...args) => ({ argv: [node, bin, ...args], env });
  const wall = (command) => ({ ms: time(command), mb: 0 });
  const sync = () => run(['sync', '-f', disk]);
  const fresh = (name) => {
    rmSync(join(work, name), { recursive: true, force: true });
    return join(work, name);
  };
  makeBase(disk, env);

  yield {
    name: 'tbuild --version',
    limit: nodeStart,
    work: () => wall(tbuild('--version')),
    budget: plus(15),
    promised: true,
  };

  const parsePlan = bundleParsePlan(work);
  const long = join(work, 'long.Dockerfile');
  writeFileSync(long, longDockerfile());
  yield {
    name: 'parse and plan 1,000 lines, 40 stages',
    limit: nodeStart,
    work: () => wall([node, parsePlan, long]),
    budget: plus(100),
    promised: true,
  };

  const ten = makeContext(join(work, 'ten'), tenSteps(), 10);
  warm(tbuild('-t', 'ten', ten));
  yield {
    name: 'fully cached rebuild, 10 steps, 10 files',
    limit: nodeStart,
    work: () => wall(tbuild('-t', 'ten', ten)),
    budget: plus(45),
    promised: true,
  };

  const many = makeContext(join(work, 'many'), 'FROM base\nCOPY . /app/\n', 50_000);
  const cachedMany = tbuild('-t', 'many', many);
  warm(cachedMany);
  yield {
    name: 'fully cached rebuild, 50,000-file context',
    limit: () => time(`${node} -e 0; find ${many} -printf '%s %T@\\n'`),
    work: () => wall(cachedMany),
    budget: ratio(2.5),
    promised: true,
  };
  yield {
    name: '  its peak memory',
    limit: nodeStart,
    work: () => timeWithMemory(cachedMany),
    budget: memory(250),
    runs: 1,
  };
  yield {
    name: '1 of 50,000 files changed, image named',
    limit: () => time(['cp', '-al', many, fresh('links')]),
    work(index) {
      writeFileSync(join(many, 'd0', 'f0'), `changed ${index} ${Date.now()}`);
      return wall(cachedMany);
    },
    budget: ratio(3),
    runs: 3,
  };
  yield {
    name: '  its peak memory, 1 of 50,000 changed',
    limit: nodeStart,
    work(index) {
      writeFileSync(join(many, 'd0', 'f0'), `changed again ${index} ${Date.now()}`);
      return timeWithMemory(cachedMany);
    },
    budget: memory(250),
    runs: 1,
  };

  const steps = 20;
  const trues = makeContext(join(work, 'trues'), `FROM base\n${'RUN ["true"]\n'.repeat(steps)}`, 0);
  const none = makeContext(join(work, 'none'), 'FROM base\nRUN ["true"]\n', 0);
  yield {
    name: `RUN true, one step more (${steps} steps less one)`,
    limit: () => time(`for i in $(seq ${steps}); do unshare -mpfiun true; done`) / steps,
    work: () => ({ ms: (time(tbuild('--no-cache', trues)) - time(tbuild('--no-cache', none))) / (steps - 1), mb: 0 }),
    budget: ratio(4),
    promised: true,
  };

  const coldMany = tbuild('-t', 'many', '--no-cache', many);
  yield {
    name: 'COPY of 50,000 small files, cold, image named',
    limit: () => time(`cp -a ${many} ${fresh('copy')} && tar c -C ${work} copy | sha256sum && sync -f ${work}`),
    work(index) {
      env.TBUILD_STORE = join(disk, `cold-${index}`);
      makeBase(disk, env);
      sync();
      return wall(coldMany);
    },
    budget: ratio(1.5),
    runs: 3,
  };
  env.TBUILD_STORE = join(disk, 'store');
  const big = makeContext(join(work, 'big'), 'FROM scratch\nCOPY big /\n', 0);
  const bigFile = join(big, 'big');
  run(['dd', 'if=/dev/urandom', `of=${bigFile}`, 'bs=1M', 'count=1024', 'status=none']);
  const changeBig = (index) => run(`echo ${index} >> ${bigFile}; sync -f ${disk}; sleep 2.2`);
  yield {
    name: 'COPY of one 1 GB file, cold, image named',
    limit: () => time(`cp ${bigFile} ${fresh('big-copy')} && sha256sum ${bigFile} && sync -f ${work}`),
    work(index) {
      changeBig(index);
      return wall(tbuild('-t', 'big', big));
    },
    budget: ratio(1.3),
    runs: 3,
  };
  yield {
    name: '  its peak memory',
    limit: nodeStart,
    work(index) {
      changeBig(index);
      return timeWithMemory(tbuild('-t', 'big', big));
    },
    budget: memory(250),
    runs: 1,
  };
  const tar = join(work, 'rootfs.tar.gz');
  run(`tar c -C ${many} . | gzip > ${tar}`);
  yield {
    name: 'unpack a base image tar.gz (50,000 files), image named',
    limit() {
      mkdirSync(fresh('unpacked'));
      sync();
      return time(`tar xzf ${tar} -C ${join(work, 'unpacked')} && sync -f ${work}`);
    },
    work(index) {
      sync();
      return wall({
        argv: [node, bin, 'import', tar, 'unpacked'],
        env: { TBUILD_STORE: join(disk, `import-${index}`) },
      });
    },
    budget: ratio(1.3),
    runs: 3,
  };
  yield {
    name: 'export 1 GB, gzip, incompressible',
    needs: 'pigz',
    limit: () => time(`pigz -6 -p $(nproc) < ${bigFile}`),
    work(index) {
      changeBig(index);
      run(tbuild('-t', 'big', big));
      return wall(tbuild('-t', 'big', '-o', `type=oci,dest=${join(work, 'big.tar')}`, big));
    },
    budget: ratio(0.5),
    runs: 1,
  };
  const sleeps = makeContext(join(work, 'sleeps'), sleepStages(4), 0);
  yield {
    name: 'four independent stages of sleep 1',
    limit: () => time(['sleep', '1']),
    work: () => wall(tbuild('--no-cache', sleeps)),
    budget: absolute(1300),
    runs: 3,
  };
}

function makeBase(disk, env) {
  const rootfs = join(disk, 'rootfs');
  if (!existsSync(rootfs)) makeRootfs(rootfs);
  run({ argv: `tar c -C ${rootfs} . | ${node} ${bin} import -c 'ENV PATH=/bin' - base`, env });
}

/** The static program of fixtures/rootfs under the names of its applets. */
function makeRootfs(rootfs) {
  const init = join(root, 'addon', 'build', 'init');
  if (!existsSync(init)) throw new Error(`${init} is missing: npm ci makes it`);
  mkdirSync(join(rootfs, 'bin'), { recursive: true });
  for (const name of ['proc', 'sys', 'dev', 'etc', 'tmp']) mkdirSync(join(rootfs, name));
  copyFileSync(init, join(rootfs, 'bin', 'init'));
  const applets = execFileSync(init, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of applets) symlinkSync('init', join(rootfs, 'bin', name));
}

function makeContext(path, dockerfile, files) {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'Dockerfile'), dockerfile);
  for (let index = 0; index < files; index++) {
    const directory = join(path, `d${Math.floor(index / 50)}`);
    if (index % 50 === 0) mkdirSync(directory);
    writeFileSync(join(directory, `f${index}`), `file ${index}\n`.repeat(1 + (index % 40)));
  }
  return path;
}

function tenSteps() {
  return [
    'FROM base',
    'WORKDIR /app',
    'ENV A=1',
    'COPY d0 /app/',
    'RUN touch /one',
    'ENV B=2',
    'RUN touch /two',
    'LABEL c=3',
    'EXPOSE 80',
    'CMD ["true"]',
    '',
  ].join('\n');
}

function sleepStages(count) {
  const stages = Array.from(
    { length: count },
    (_, index) => `FROM base AS s${index}\nRUN ["sleep", "1"]\nRUN touch /made${index}\n`,
  );
  const copies = Array.from({ length: count }, (_, index) => `COPY --from=s${index} /made${index} /\n`);
  return `${stages.join('')}FROM scratch\n${copies.join('')}`;
}

/** Builds twice, the second time with stamps old enough to be trusted. */
function warm(command) {
  run(command);
  run(['sleep', '2.2']);
  run(command);
}
