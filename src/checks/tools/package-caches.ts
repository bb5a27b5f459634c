import type { PlacedCommand } from '../run-commands.ts';
import { plainArguments } from './plain-arguments.ts';

/** Files that a package manager keeps for the next time, which there is none of in an image. */
export interface PackageCache {
  /** What fills it, as people type it. */
  readonly tool: string;
  /** Absolute, or below the home directory of whoever runs it. */
  readonly directories: readonly string[];
  fills(command: PlacedCommand): boolean;
  /** A command that empties it, beside removing the directories. */
  empties(command: PlacedCommand): boolean;
  /** Variables that say where it is, or that there is none. */
  readonly variables: readonly string[];
  /** What to write. */
  readonly advice: string;
}

const pipPrograms = /^(pip|pip3|pip3\.\d+)$/;

/** `pip …` and `python -m pip …` */
function pipArguments({ program, args }: PlacedCommand): readonly string[] | undefined {
  if (pipPrograms.test(program)) return args;
  return /^python(3(\.\d+)?)?$/.test(program) && args[0] === '-m' && args[1] === 'pip' ? args.slice(2) : undefined;
}

function isCommand(command: PlacedCommand, programs: readonly string[], verbs: readonly string[]): boolean {
  return programs.includes(command.program) && verbs.includes(plainArguments(command.args)[0] ?? '');
}

const dnf = ['dnf', 'yum', 'microdnf', 'tdnf', 'dnf5'];
const never = (): boolean => false;

export const packageCaches: readonly PackageCache[] = [
  {
    tool: 'apt-get update',
    directories: ['/var/lib/apt/lists'],
    fills: (command) => isCommand(command, ['apt-get', 'apt', 'aptitude'], ['update']),
    empties: never,
    variables: [],
    advice: 'end the same RUN with rm -rf /var/lib/apt/lists/*, or mount a cache on /var/lib/apt/lists',
  },
  {
    tool: 'apk add',
    directories: ['/var/cache/apk', '/etc/apk/cache'],
    fills: (command) =>
      isCommand(command, ['apk'], ['add', 'update', 'upgrade']) && !command.args.includes('--no-cache'),
    empties: (command) => isCommand(command, ['apk'], ['cache']) && command.args.includes('clean'),
    variables: [],
    advice: 'write apk add --no-cache',
  },
  {
    tool: 'pip install',
    directories: ['~/.cache/pip'],
    fills(command) {
      const args = pipArguments(command) ?? [];
      const isInstall = ['install', 'download', 'wheel'].includes(plainArguments(args)[0] ?? '');
      return (
        isInstall &&
        !args.some((arg) => arg.startsWith('--no-cache')) &&
        !args.some((arg) => arg.startsWith('--cache-dir'))
      );
    },
    empties: (command) => plainArguments(pipArguments(command) ?? []).join(' ') === 'cache purge',
    variables: ['PIP_NO_CACHE_DIR', 'PIP_CACHE_DIR'],
    advice: 'write pip install --no-cache-dir, or mount a cache on /root/.cache/pip',
  },
  {
    tool: 'npm',
    directories: ['~/.npm'],
    fills: (command) =>
      isCommand(command, ['npm'], ['ci', 'install', 'i', 'add', 'clean-install', 'update']) &&
      !command.args.some((arg) => arg === '--cache' || arg.startsWith('--cache=')),
    empties: (command) => isCommand(command, ['npm'], ['cache']) && command.args.includes('clean'),
    variables: ['NPM_CONFIG_CACHE', 'npm_config_cache'],
    advice: 'mount a cache on /root/.npm, or run npm cache clean --force in the same RUN',
  },
  {
    tool: 'yarn',
    directories: ['/usr/local/share/.cache/yarn', '~/.cache/yarn', '~/.yarn/berry/cache'],
    fills: ({ program, args }) =>
      program === 'yarn' &&
      !args.some((arg) => ['--version', '-v', '--help'].includes(arg) || arg.startsWith('--cache-folder')) &&
      ['install', 'add', 'global', ''].includes(plainArguments(args)[0] ?? ''),
    empties: (command) => isCommand(command, ['yarn'], ['cache']) && command.args.includes('clean'),
    variables: ['YARN_CACHE_FOLDER'],
    advice: 'mount a cache on /usr/local/share/.cache/yarn, or run yarn cache clean in the same RUN',
  },
  {
    tool: 'dnf or yum',
    directories: ['/var/cache/dnf', '/var/cache/yum', '/var/cache/libdnf5', '/var/cache/tdnf'],
    fills: (command) =>
      isCommand(command, dnf, ['install', 'update', 'upgrade', 'groupinstall', 'reinstall', 'makecache', 'builddep']),
    empties: (command) => isCommand(command, dnf, ['clean']),
    variables: [],
    advice: 'end the same RUN with dnf clean all (yum clean all), or mount a cache on /var/cache/dnf',
  },
  {
    tool: 'zypper',
    directories: ['/var/cache/zypp'],
    fills: (command) => isCommand(command, ['zypper'], ['install', 'in', 'refresh', 'ref', 'update', 'up']),
    empties: (command) => isCommand(command, ['zypper'], ['clean', 'cc']),
    variables: [],
    advice: 'end the same RUN with zypper clean --all',
  },
];
