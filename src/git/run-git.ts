import { spawn } from 'node:child_process';
import { TbuildError } from '../errors.ts';
import type { GitSource } from './git-source.ts';

/** The system's git, shut off from the configuration of user and system, from hooks, helpers and prompts. */
export interface Git {
  /** Standard output. Throws TBUILD_GIT with git's own words, or the signal's reason. */
  run(args: readonly string[]): Promise<string>;
}

export interface GitAccess {
  readonly source: GitSource;
  /** The value of an Authorization header for the repository's own origin. */
  readonly authorization: string | undefined;
  /** Socket of an SSH agent whose keys may be used. */
  readonly agentSocket: string | undefined;
  readonly signal: AbortSignal | undefined;
}

const nowhere = '/nonexistent';

/** @param repository where the repository is, for what needs one */
export function createGit(access: GitAccess, repository?: { readonly gitDir: string; readonly workTree: string }): Git {
  const environment = {
    ...environmentOf(access),
    GIT_DIR: repository?.gitDir ?? nowhere,
    ...(repository === undefined ? {} : { GIT_WORK_TREE: repository.workTree }),
  };
  return { run: (args) => runGit(access, { args, environment, cwd: repository?.workTree ?? '/' }) };
}

/**
 * Settings that nothing in a repository may override: as if by `git -c`, but in the environment, which no other user can read and submodules inherit. `protocol.*`: neither `ext::`, which runs a command, nor
 * files of this machine (CVE-2022-39253). https://git-scm.com/docs/git-config
 */
function settingsOf({ source, authorization }: GitAccess): readonly (readonly [string, string])[] {
  const origin = `${source.protocol}://${source.host}/`;
  return [
    ['protocol.allow', 'never'],
    ...(['https', 'http', 'ssh', 'git'] as const).map((name) => [`protocol.${name}.allow`, 'always'] as const),
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['core.askPass', ''],
    ['core.autocrlf', 'false'],
    ['core.symlinks', 'true'],
    ['core.protectHFS', 'true'],
    ['core.protectNTFS', 'true'],
    ['credential.helper', ''],
    ['fetch.recurseSubmodules', 'false'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['advice.detachedHead', 'false'],
    ['init.templateDir', ''],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '60'],
    // A redirect would take the header along.
    ['http.followRedirects', authorization === undefined ? 'initial' : 'false'],
    ...(authorization === undefined
      ? []
      : [[`http.${origin}.extraHeader`, `Authorization: ${authorization}`] as const]),
  ];
}

/** Of this process's environment only what says how to reach the network and whom to trust. */
const inherited = [
  'PATH',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
] as const;

function environmentOf(access: GitAccess): Record<string, string> {
  const environment: Record<string, string> = {
    // Neither .netrc nor anything else is found there.
    HOME: nowhere,
    XDG_CONFIG_HOME: nowhere,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_SSH_COMMAND: sshCommand(access),
    GIT_SSH_VARIANT: 'ssh',
  };
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  if (access.agentSocket !== undefined) environment['SSH_AUTH_SOCK'] = access.agentSocket;
  environment['GIT_CONFIG_PARAMETERS'] = settingsOf(access)
    .map(([key, value]) => quoted(`${key}=${value}`))
    .join(' ');
  return environment;
}

/** As for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Without the user's configuration and keys; only hosts whose keys the user or the system knows. */
function sshCommand({ agentSocket }: GitAccess): string {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'IdentityFile=none',
    `IdentityAgent=${agentSocket === undefined ? 'none' : 'SSH_AUTH_SOCK'}`,
    'ForwardAgent=no',
    'PermitLocalCommand=no',
    'ProxyCommand=none',
    'ConnectTimeout=30',
  ];
  return `ssh -F /dev/null ${options.map((option) => `-o ${option}`).join(' ')}`;
}

interface Invocation {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
}

const mostOutput = 16 * 1024 * 1024;
const keptErrors = 64 * 1024;

function runGit(access: GitAccess, { args, environment, cwd }: Invocation): Promise<string> {
  const { signal } = access;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // A group of its own: what it starts (ssh, git-remote-https) ends with it.
    const child = spawn('git', [...args], { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const output: Buffer[] = [];
    let size = 0;
    let errors = '';
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended already.
      }
    };
    signal?.addEventListener('abort', kill, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > mostOutput) kill();
      else output.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-keptErrors);
    });
    child.on('error', (error) => {
      signal?.removeEventListener('abort', kill);
      reject(notStarted(error));
    });
    child.on('close', (code) => {
      signal?.removeEventListener('abort', kill);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (code === 0) resolve(Buffer.concat(output).toString());
      else reject(gitFailed(access, args, errors));
    });
  });
}

function notStarted(error: Error): TbuildError {
  const isMissing = 'code' in error && error.code === 'ENOENT';
  return new TbuildError(
    'TBUILD_GIT',
    isMissing ? 'there is no git on PATH' : `git cannot be started: ${error.message}`,
    {
      cause: error,
      hint: isMissing ? 'Install it (Debian: apt-get install git): repositories are fetched by it.' : undefined,
    },
  );
}

function gitFailed({ source }: GitAccess, args: readonly string[], errors: string): TbuildError {
  const lines = errors
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  // What ssh says is the reason of what git says.
  const said =
    lines.findLast((line) => line.startsWith('ssh: ')) ??
    lines.findLast((line) => /^(?:fatal|error|remote):/.test(line)) ??
    lines.at(-1) ??
    'it says nothing';
  return new TbuildError('TBUILD_GIT', `${source.remote}: git ${args[0] ?? ''}: ${said.slice(0, 500)}`, {
    hint: hintFor(errors, source),
    details: { command: args[0], stderr: errors.slice(-2000) },
  });
}

function hintFor(errors: string, { host, protocol }: GitSource): string | undefined {
  if (/host key verification failed/i.test(errors)) {
    return `Add the host's key to ~/.ssh/known_hosts, after comparing it: ssh-keyscan ${host}.`;
  }
  if (/permission denied \(/i.test(errors)) return 'Give an SSH agent that has the key, or the key: --ssh default.';
  if (/could not read (?:username|password)|authentication failed|http basic: access denied/i.test(errors)) {
    return `Give a secret GIT_AUTH_TOKEN.${host} or GIT_AUTH_TOKEN.`;
  }
  if (/returned error: 30\d\b/.test(errors)) {
    return 'The server redirects to another one, which gets no credentials: give the address that it redirects to.';
  }
  if (/transport '[^']*' not allowed/.test(errors))
    return 'Only https, http, ssh and git are followed, also in submodules.';
  if (/could not resolve host|unable to look up|name or service not known|temporary failure in name/i.test(errors)) {
    return "Check the spelling of the host, and this machine's DNS.";
  }
  if (/connection refused|failed to connect|could not connect/i.test(errors)) {
    return 'Check the host and port, and that the server runs.';
  }
  if (/repository '[^']*' not found|returned error: 40[34]\b/i.test(errors)) {
    return `Check the address. A private repository wants a secret GIT_AUTH_TOKEN.${host} or GIT_AUTH_TOKEN.`;
  }
  if (/cannot run ssh/i.test(errors) && protocol === 'ssh')
    return 'Install it (Debian: apt-get install openssh-client).';
  return undefined;
}
