import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Files of a commit: content, or `-> TARGET` for a link. A name that ends in `*` is executable. */
export type CommitFiles = Readonly<Record<string, string>>;

/** A repository that a server gives out, made with the system's git. */
export interface ServedRepository {
  readonly name: string;
  /** Where it is on disk. */
  readonly path: string;
  /** Commits all of `files` (those of earlier commits stay) on a branch, by default main, and gives its name. */
  commit(files: CommitFiles, options?: { readonly branch?: string; readonly time?: number }): string;
  /** Runs in its work tree. Not against the server, which is in this process. */
  git(...args: readonly string[]): string;
  /** Adds another repository of the server as a submodule, to be committed with the next commit. */
  addSubmodule(other: ServedRepository, path: string, url: string): void;
}

/** git's own HTTP back end. */
export interface GitServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly host: string;
  /** The value of the Authorization header without which every answer is 401. */
  authorization: string | undefined;
  /** Where all requests are sent on to, by status 302. */
  redirect: string | undefined;
  /** Beginnings of paths that are sent on, by what takes their place. */
  readonly moved: Map<string, string>;
  readonly requests: { readonly method: string; readonly path: string; readonly authorization: string | undefined }[];
  repository(name: string): ServedRepository;
}

export async function startGitServer(hostname = '127.0.0.1'): Promise<GitServer> {
  const directory = mkdtempSync(join(tmpdir(), 'tbuild-git-'));
  const requests: GitServer['requests'] = [];
  const moved: GitServer['moved'] = new Map();
  const state: Pick<GitServer, 'authorization' | 'redirect'> = { authorization: undefined, redirect: undefined };
  const server = createServer((request, response) => {
    const { method = 'GET', url: path = '/' } = request;
    const { authorization } = request.headers;
    requests.push({ method, path, authorization });
    const place = [...moved].find(([from]) => path.startsWith(from));
    if (place !== undefined) response.writeHead(301, { location: path.replace(place[0], place[1]) }).end();
    else if (state.redirect !== undefined) response.writeHead(302, { location: state.redirect + path }).end();
    else if (state.authorization !== undefined && authorization !== state.authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    } else backEnd(directory, request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, hostname, resolve);
  });
  const host = `${hostname}:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, {
    url: `http://${host}`,
    host,
    requests,
    moved,
    repository: (name: string) => makeRepository(directory, name),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      rmSync(directory, { recursive: true, force: true });
    },
  });
}

function makeRepository(directory: string, name: string): ServedRepository {
  const bare = join(directory, `${name}.git`);
  const work = join(directory, `work-${name}`);
  mkdirSync(work);
  const run = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync('git', args, { cwd: work, encoding: 'utf8', env: environment() });
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  run('init', '--quiet', '--bare', '--initial-branch=main', bare);
  run('init', '--quiet', '--initial-branch=main');
  run('remote', 'add', 'origin', bare);
  return {
    name,
    path: bare,
    git: run,
    addSubmodule(other, path, url) {
      run('checkout', '--quiet', 'main');
      run('submodule', '--quiet', 'add', other.path, path);
      run('config', '--file', '.gitmodules', `submodule.${path}.url`, url);
    },
    commit(files, { branch = 'main', time = 1_600_000_000 } = {}) {
      if (run('branch', '--list', branch) !== '') run('checkout', '--quiet', branch);
      else if (run('branch', '--list') !== '') run('checkout', '--quiet', '-b', branch);
      for (const [path, content] of Object.entries(files)) writeEntry(work, path, content);
      run('add', '--all');
      spawnSync('git', ['commit', '--quiet', '--allow-empty', '--message', 'c'], {
        cwd: work,
        env: { ...environment(), GIT_COMMITTER_DATE: `${time} +0000`, GIT_AUTHOR_DATE: `${time} +0000` },
      });
      run('push', '--quiet', '--force', 'origin', branch);
      return run('rev-parse', 'HEAD');
    },
  };
}

function writeEntry(work: string, path: string, content: string): void {
  const absolute = join(work, path.replace(/\*$/, ''));
  mkdirSync(dirname(absolute), { recursive: true });
  rmSync(absolute, { force: true });
  if (content.startsWith('-> ')) symlinkSync(content.slice(3), absolute);
  else writeFileSync(absolute, content, { mode: path.endsWith('*') ? 0o755 : 0o644 });
}

function environment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'c',
    GIT_COMMITTER_EMAIL: 'c@d',
    GIT_ALLOW_PROTOCOL: 'file',
  };
}

/** CGI: https://git-scm.com/docs/git-http-backend */
function backEnd(directory: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      ...(request.headers['git-protocol'] === undefined
        ? {}
        : { GIT_PROTOCOL: String(request.headers['git-protocol']) }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => {});
  const parts: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => parts.push(chunk));
  child.on('close', () => {
    const output = Buffer.concat(parts);
    const end = output.indexOf('\r\n\r\n');
    const headers = output.subarray(0, Math.max(end, 0)).toString().split('\r\n');
    let status = 200;
    for (const line of headers) {
      const [name = '', value = ''] = line.split(/: (.*)/s);
      if (name === 'Status') status = Number.parseInt(value, 10);
      else if (name !== '') response.setHeader(name, value);
    }
    response.writeHead(status).end(output.subarray(end + 4));
  });
}
