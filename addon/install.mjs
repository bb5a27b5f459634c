// Makes addon/build/Release/{tbuild.node,tbuild-helper} and addon/build/init, unless a prebuild fits. `--force` always compiles.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const addon = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const packages = {
  compiler:
    'Debian/Ubuntu: apt-get install build-essential python3; Alpine: apk add build-base linux-headers python3; Fedora: dnf install gcc-c++ glibc-static libstdc++-static make python3',
};

refuseUnsupported();
if (process.argv.includes('--force') || !hasFittingPrebuild()) {
  refuseMissingTools();
  compileAddon();
}
compileInit();
keepCompiledCode();

function refuseUnsupported() {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    refuse(`tbuild runs on Linux on x64 and arm64 only, not on ${process.platform} ${process.arch}.`);
  }
}

/** prebuilds/linux-<arch>/ holds *.node (with node-gyp-build's tags for the C library) and tbuild-helper. */
function hasFittingPrebuild() {
  const folder = join(addon, 'prebuilds', `linux-${process.arch}`);
  if (!existsSync(join(folder, 'tbuild-helper'))) return false;
  const other = isMusl() ? 'glibc' : 'musl';
  return readdirSync(folder)
    .filter((name) => name.endsWith('.node') && !name.split('.').includes(other))
    .some((name) => {
      try {
        require(join(folder, name));
        return true;
      } catch {
        return false;
      }
    });
}

function isMusl() {
  return existsSync('/etc/alpine-release') || process.report.getReport().header.glibcVersionRuntime === undefined;
}

function refuseMissingTools() {
  const missing = [
    ['a C++ compiler', [process.env.CXX, 'g++', 'c++', 'clang++']],
    ['make', [process.env.MAKE, 'make', 'gmake']],
    ['python3', [process.env.npm_config_python, process.env.PYTHON, 'python3', 'python']],
  ]
    .filter(([, candidates]) => !candidates.some((candidate) => candidate && findProgram(candidate.split(' ')[0])))
    .map(([title]) => title);
  if (missing.length > 0) {
    refuse(
      `tbuild compiles a small native part, but ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing. ${packages.compiler}.`,
    );
  }
}

function compileAddon() {
  const nodeGyp = findNodeGyp();
  if (nodeGyp === undefined)
    refuse(
      'tbuild compiles a small native part with node-gyp, which comes with npm, but npm was not found. Install npm.',
    );
  const headers = headerOptions();
  const run = (...words) =>
    spawnSync(process.execPath, [nodeGyp, ...words, ...headers], {
      cwd: addon,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    });
  const steps = [['configure'], ['build', '-j', String(Math.max(2, availableParallelism()))]];
  for (const step of steps) {
    const { status, stdout, stderr } = run(...step);
    if (status === 0) continue;
    process.stderr.write(stdout + stderr);
    refuse(explainFailure(step[0]));
  }
}

function explainFailure(step) {
  const probe = (...options) =>
    spawnSync(process.env.CXX ?? 'g++', [...options, '-x', 'c++', '-', '-o', '/dev/null'], {
      input: '#include <string>\n#include <linux/openat2.h>\nint main() { return 0; }\n',
      encoding: 'utf8',
    }).status === 0;
  if (!probe('-std=c++20'))
    return `The C++ compiler cannot compile a C++20 program with the kernel's headers (Linux 5.6 or newer). ${packages.compiler}.`;
  if (!probe('-std=c++20', '-static')) return `The static C and C++ libraries are missing. ${packages.compiler}.`;
  return `Compiling tbuild's native part failed (node-gyp ${step}); the output above says why.`;
}

/** npm gives its own node-gyp to lifecycle scripts; outside of them it is found beside node or npm. */
function findNodeGyp() {
  const inNpm = ['node_modules', 'node-gyp', 'bin', 'node-gyp.js'];
  const npm = findProgram('npm');
  const candidates = [
    process.env.npm_config_node_gyp,
    process.env.npm_execpath && join(dirname(dirname(process.env.npm_execpath)), ...inNpm),
    npm && join(dirname(dirname(realpathSync(npm))), ...inNpm),
    join(dirname(dirname(process.execPath)), 'lib', 'node_modules', 'npm', ...inNpm),
    findProgram('node-gyp') && realpathSync(findProgram('node-gyp')),
  ];
  return candidates.find((candidate) => candidate?.endsWith('.js') && existsSync(candidate));
}

/** The user's own nodedir wins; else headers installed beside this very Node save a download. */
function headerOptions() {
  if (process.env.npm_config_nodedir) return [`--nodedir=${process.env.npm_config_nodedir}`];
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  try {
    const header = readFileSync(join(prefix, 'include', 'node', 'node_version.h'), 'utf8');
    const number = (name) => header.match(new RegExp(`#define NODE_${name}_VERSION (\\d+)`))?.[1];
    const version = ['MAJOR', 'MINOR', 'PATCH'].map(number).join('.');
    if (version === process.versions.node) return [`--nodedir=${prefix}`];
  } catch {
    // no headers there: node-gyp fetches them
  }
  return [];
}

/** The static program that serves as a root file system in the demo and the tests. */
function compileInit() {
  const source = join(addon, '..', 'fixtures', 'rootfs', 'init.c');
  const target = join(addon, 'build', 'init');
  if (!existsSync(source)) return;
  if (existsSync(target) && statSync(target).mtimeMs >= statSync(source).mtimeMs) return;
  const compiler = [process.env.CC, 'cc', 'gcc', 'clang'].find(
    (candidate) => candidate && findProgram(candidate.split(' ')[0]),
  );
  if (compiler === undefined) return;
  mkdirSync(dirname(target), { recursive: true });
  const [program, ...options] = compiler.split(' ');
  const { status, stderr } = spawnSync(program, [...options, '-O2', '-static', '-s', '-Wall', source, '-o', target], {
    encoding: 'utf8',
  });
  if (status === 0) return;
  process.stderr.write(stderr);
  refuse(`Compiling ${source} failed; the output above says why. ${packages.compiler}.`);
}

/** The installed package has its bundle; in a clone `npm run build` makes it and does this then. */
function keepCompiledCode() {
  const program = join(addon, '..', 'dist', 'warm-up.cjs');
  if (existsSync(program)) spawnSync(process.execPath, [program], { stdio: 'inherit' });
}

function findProgram(name) {
  const candidates = name.includes('/')
    ? [name]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}

function refuse(sentence) {
  process.stderr.write(`tbuild: ${sentence}\n`);
  process.exit(1);
}
