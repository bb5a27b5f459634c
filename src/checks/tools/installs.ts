import type { PlacedCommand } from '../run-commands.ts';
import { plainArguments } from './plain-arguments.ts';

/** A command that gets a project's dependencies. */
export interface Install {
  /** As people type it: `npm ci`. */
  readonly command: string;
  /** The files that say which dependencies, as names or patterns for them. The first is the one without which there are none. */
  readonly manifests: readonly string[];
  /** It builds the project too: what gets the dependencies alone. */
  readonly instead: string | undefined;
}

/** What of a project's dependencies a command installs; undefined for any other command. */
export function findInstall({ program, args }: PlacedCommand): Install | undefined {
  const isModule = /^python(3(\.\d+)?)?$/.test(program) && args[0] === '-m';
  const [name = '', ...rest] = isModule ? args.slice(1) : [program, ...args];
  const found = tools.get(name.replace(/^pip3(\.\d+)?$/, 'pip'))?.(rest);
  if (found === undefined) return undefined;
  return { command: `${name} ${found.verb}`, manifests: found.manifests, instead: found.instead };
}

interface Found {
  readonly verb: string;
  readonly manifests: readonly string[];
  readonly instead?: string;
}

type Tool = (args: readonly string[]) => Found | undefined;

/** With names behind the word it installs these, and not what the project needs. */
function byVerb(verbs: readonly string[], manifests: readonly string[]): Tool {
  return (args) => {
    const [verb = '', ...names] = plainArguments(args);
    const isForAll = args.some((arg) => arg === '-g' || arg === '--global');
    return verbs.includes(verb) && names.length === 0 && !isForAll ? { verb, manifests } : undefined;
  };
}

const yarn: Tool = (args) => {
  const [verb = 'install', ...names] = plainArguments(args);
  const isQuestion = args.some((arg) => ['--version', '-v', '--help', '-h'].includes(arg));
  if (verb !== 'install' || names.length > 0 || isQuestion) return undefined;
  return { verb, manifests: ['package.json', 'yarn.lock'] };
};

const pip: Tool = (args) => {
  if (plainArguments(args)[0] !== 'install') return undefined;
  const files = args.flatMap((arg, index) => {
    if (arg === '-r' || arg === '--requirement') return args[index + 1] ?? [];
    return /^(?:-r|--requirement=)(.+)$/.exec(arg)?.[1] ?? [];
  });
  // `pip install .` builds the project, and wants its sources.
  const wantsSources = args.some((arg) => ['.', '-e', '--editable'].includes(arg) || /^\.[/[]/.test(arg));
  if (files.length === 0 || wantsSources) return undefined;
  const manifests = files.map((file) => file.slice(file.lastIndexOf('/') + 1));
  return { verb: `install -r ${files.join(' -r ')}`, manifests };
};

const uv: Tool = (args) => {
  const [verb, second] = plainArguments(args);
  if (verb === 'sync') return { verb, manifests: ['pyproject.toml', 'uv.lock'] };
  const found = verb === 'pip' && second === 'install' ? pip(args.slice(args.indexOf('pip') + 1)) : undefined;
  return found && { ...found, verb: `pip ${found.verb}` };
};

const bundle: Tool = (args) => {
  const [verb = 'install', ...names] = plainArguments(args);
  if (verb !== 'install' || names.length > 0 || args.includes('--version')) return undefined;
  return { verb, manifests: ['Gemfile', 'Gemfile.lock'] };
};

const go: Tool = (args) => {
  const [verb, second, ...modules] = plainArguments(args);
  if (verb !== 'mod' || second !== 'download' || modules.length > 0) return undefined;
  return { verb: 'mod download', manifests: ['go.mod', 'go.sum'] };
};

const cargo: Tool = (args) => {
  const [verb] = plainArguments(args.filter((arg) => !arg.startsWith('+')));
  const manifests = ['Cargo.toml', 'Cargo.lock'];
  if (verb === 'fetch') return { verb, manifests };
  return verb === 'build' ? { verb, manifests, instead: 'cargo fetch' } : undefined;
};

const maven: Tool = (args) => {
  const goals = plainArguments(args);
  const manifests = ['pom.xml'];
  const resolving = goals.find((goal) => /^dependency:(go-offline|resolve)/.test(goal));
  if (resolving !== undefined) return { verb: resolving, manifests };
  const building = goals.find((goal) => ['compile', 'test', 'package', 'verify', 'install'].includes(goal));
  return building === undefined ? undefined : { verb: building, manifests, instead: 'mvn dependency:go-offline' };
};

const gradle: Tool = (args) => {
  const tasks = plainArguments(args);
  const manifests = ['build.gradle*', 'settings.gradle*'];
  if (tasks.includes('dependencies')) return { verb: 'dependencies', manifests };
  const building = tasks.find((task) => ['build', 'assemble', 'jar', 'bootJar', 'installDist'].includes(task));
  return building === undefined ? undefined : { verb: building, manifests, instead: 'gradle dependencies' };
};

const tools: ReadonlyMap<string, Tool> = new Map([
  ['bun', byVerb(['install', 'i'], ['package.json', 'bun.lock*'])],
  ['bundle', bundle],
  ['bundler', bundle],
  ['cargo', cargo],
  ['composer', byVerb(['install', 'i'], ['composer.json', 'composer.lock'])],
  ['dotnet', byVerb(['restore'], ['*.csproj', '*.sln'])],
  ['go', go],
  ['gradle', gradle],
  ['gradlew', gradle],
  ['mix', byVerb(['deps.get'], ['mix.exs', 'mix.lock'])],
  ['mvn', maven],
  ['mvnw', maven],
  ['npm', byVerb(['ci', 'clean-install', 'install', 'i'], ['package.json', 'package-lock.json'])],
  ['pip', pip],
  ['pipenv', byVerb(['install', 'sync'], ['Pipfile', 'Pipfile.lock'])],
  ['pnpm', byVerb(['install', 'i', 'fetch'], ['package.json', 'pnpm-lock.yaml'])],
  ['poetry', byVerb(['install', 'sync'], ['pyproject.toml', 'poetry.lock'])],
  ['uv', uv],
  ['yarn', yarn],
]);
