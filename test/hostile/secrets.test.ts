import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BuildOptions } from '../../src/index.ts';
import { lacks } from '../helpers/capabilities.ts';
import { startFileServer } from '../helpers/file-server.ts';
import { startGitServer } from '../helpers/git-server.ts';
import { descendantsOf, survivors } from '../helpers/processes.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Built, Workshop } from '../helpers/workshop.ts';

// Long enough that it is nowhere by chance; read from here alone.
const value = 'SECRET-5b1f9c2ad7e84f06';
const shapes = [
  value,
  Buffer.from(value).toString('base64').slice(0, -4),
  Buffer.from(value).toString('hex'),
  Buffer.from(value, 'utf16le').toString('latin1'),
];

/** Which of the shapes are in these bytes. */
function found(bytes: Uint8Array): readonly string[] {
  const buffer = Buffer.from(bytes);
  return shapes.filter((shape) => buffer.includes(Buffer.from(shape, 'latin1')));
}

/** Every file below a directory that holds a shape of the secret, as it is or unpacked; names count too. */
function filesWithSecret(directory: string): readonly string[] {
  return pathsBelow(directory).filter((path) => {
    if (found(Buffer.from(path)).length > 0) return true;
    const bytes = readIfFile(path);
    if (bytes === undefined) return false;
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return found(bytes).length > 0 || (isGzip && found(gunzipSync(bytes)).length > 0);
  });
}

function pathsBelow(directory: string): readonly string[] {
  return entriesOf(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
  });
}

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    // Overlayfs' own, mode 0: no command ever writes there.
    if ((error as NodeJS.ErrnoException).code === 'EACCES' && directory.endsWith('/work/work')) return [];
    throw error;
  }
}

function readIfFile(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // A directory, a socket, or what only the helper may read: layers are looked at as images.
    return undefined;
  }
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('the bytes of a secret', () => {
  let shop: Workshop;
  let shell: Shell;
  /** Where secrets are kept, which is beside everything that is searched. */
  const vault = mkdtempSync(join(tmpdir(), 'tbuild-vault-'));
  beforeAll(async () => {
    shop = await openWorkshop();
    shell = await openShell();
  });
  afterAll(async () => {
    shell[Symbol.dispose]();
    rmSync(vault, { recursive: true });
    await shop[Symbol.asyncDispose]();
  });
  afterEach(() => vi.unstubAllEnvs());

  const use = [
    'FROM base',
    'RUN --mount=type=secret,id=file,required cat /run/secrets/file > /dev/null && write /made by-file',
    'RUN --mount=type=secret,id=file,target=/etc/deep/secret,mode=0444 --mount=type=cache,target=/c cat /etc/deep/secret > /dev/null && touch /c/x',
    'RUN --mount=type=secret,id=variable,env=TOKEN,required write /made "$TOKEN" && write /made by-variable',
    'RUN --mount=type=secret,id=value,env=TOKEN,target=/s --mount=target=/m,rw cat /s > /m/copy && write /made by-value',
  ].join('\n');

  const given = (): Partial<BuildOptions> => {
    vi.stubEnv('TBUILD_HOSTILE_TOKEN', value);
    const path = join(vault, 'file');
    writeFileSync(path, value);
    return {
      secrets: {
        file: { file: path },
        variable: { env: 'TBUILD_HOSTILE_TOKEN' },
        value: { value },
      },
    };
  };

  it('are nowhere in the store, in events, in errors, or in what was exported', async () => {
    const context = shop.context({ Dockerfile: use });
    const archive = join(shop.directory, 'image.tar');
    const root = join(shop.directory, 'root.tar');
    const outputs = [
      { type: 'oci', destination: archive },
      { type: 'tar', destination: root },
    ] as const;
    const built: Built[] = [];
    built.push(await shop.build(context, { ...given(), outputs, tags: ['with-secrets'] }));
    // Cached, run again, and failing.
    built.push(await shop.build(context, given()));
    built.push(await shop.build(context, { ...given(), noCache: true }));
    const failing = shop.context({ Dockerfile: `${use}\nRUN --mount=type=secret,id=value,env=TOKEN false` });
    const error: unknown = await shop.build(failing, given()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'TBUILD_RUN_FAILED' });
    const told = JSON.stringify([built, error, Object.getOwnPropertyDescriptors(error)], (_, each: unknown) =>
      each instanceof Uint8Array ? Buffer.from(each).toString('latin1') : each,
    );
    expect(found(Buffer.from(told))).toEqual([]);
    execFileSync('tar', ['-C', shop.directory, '-xf', archive]);
    expect(filesWithSecret(shop.directory)).toEqual([]);
  });

  it.skipIf(lacks('tool:git'))(
    'are nowhere after ADD from servers that want them, nor in what a failing one says',
    async () => {
      await using files = await startFileServer();
      await using repositories = await startGitServer();
      const repository = repositories.repository('r');
      repository.commit({ f: 'f' });
      const header = `Basic ${Buffer.from(`x-access-token:${value}`).toString('base64')}`;
      repositories.authorization = header;
      files.files.set('/a', { content: 'a', authorization: `Bearer ${value}`, headers: { etag: '"1"' } });
      const path = join(vault, 'token');
      writeFileSync(path, `${value}\n`);
      const secrets = { 'HTTP_AUTH_TOKEN_127.0.0.1': { file: path }, GIT_AUTH_TOKEN: { file: path } } as const;
      const context = shop.context({
        Dockerfile: `FROM scratch\nADD ${files.url}/a /a\nADD --keep-git-dir=true ${repositories.url}/r.git /r/\n`,
      });
      const outputs = [{ type: 'tar', destination: join(shop.directory, 'added.tar') }] as const;
      const built = [await shop.build(context, { secrets, outputs }), await shop.build(context, { secrets })];
      const failures: unknown[] = [];
      for (const url of [`${files.url}/none`, `${repositories.url}/none.git`]) {
        const failing = shop.context({ Dockerfile: `FROM scratch\nADD ${url} /x\n` });
        failures.push(await shop.build(failing, { secrets }).catch((error: unknown) => error));
      }
      expect(failures).toMatchObject([{ code: 'TBUILD_DOWNLOAD' }, { code: 'TBUILD_GIT' }]);
      expect(files.requests.at(-1)?.headers.authorization).toBe(`Bearer ${value}`);
      expect(repositories.requests.at(-1)?.authorization).toBe(header);
      const told = JSON.stringify([built, failures, failures.map((each) => Object.getOwnPropertyDescriptors(each))]);
      expect(found(Buffer.from(told))).toEqual([]);
      expect(filesWithSecret(shop.directory)).toEqual([]);
    },
  );

  it('are found by this test where they are', () => {
    const directory = join(shop.directory, 'control');
    mkdirSync(directory);
    for (const [index, shape] of shapes.entries())
      writeFileSync(join(directory, String(index)), `x${shape}x`, 'latin1');
    execFileSync('gzip', ['-k', join(directory, '0')]);
    expect(filesWithSecret(directory)).toHaveLength(shapes.length + 1);
    rmSync(directory, { recursive: true });
  });

  it('are in no command line and no environment of the builder, its helper and the sandbox, nor in a core file', async () => {
    writeFileSync(join(vault, 'shell'), value);
    const context = shell.context({
      Dockerfile:
        'FROM base\nRUN --mount=type=secret,id=s cat /proc/1/cmdline; cat /proc/1/environ; cat /proc/self/limits; cat /run/secrets/s > /dev/null && echo r""eady && sleep 30',
    });
    const child = shell.start('build', '--progress=json', '--secret', `id=s,src=${vault}/shell`, context);
    let output = '';
    const ready = new Promise<void>((resolve) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('ready')) resolve();
      });
    });
    const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
    await Promise.race([ready, ended]);
    const started = descendantsOf(child.pid ?? 0);
    const pids = [child.pid ?? 0, ...started.map(({ pid }) => pid)];
    expect(pids.length).toBeGreaterThan(3);
    for (const pid of pids) {
      for (const name of ['cmdline', 'environ', 'comm']) {
        expect(found(readIfFile(`/proc/${pid}/${name}`) ?? Buffer.alloc(0)), `${pid} ${name}`).toEqual([]);
      }
    }
    expect(output).toMatch(/Max core file size +0 +0 /);
    // Killed in the midst of it, it leaves nothing either.
    child.kill('SIGKILL');
    await ended;
    expect(await survivors(started)).toEqual([]);
    expect(found(Buffer.from(output))).toEqual([]);
    expect(filesWithSecret(shell.directory)).toEqual([]);
  });

  it('are not told by messages about the secret', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nRUN --mount=type=secret,id=s,env=S true' });
    writeFileSync(join(vault, 'nul'), `${value}\0`);
    const nul = await shell.tbuild('build', '--secret', `id=s,src=${vault}/nul`, context);
    expect(nul.status).toBe(1);
    expect(nul.stderr).toContain('NUL');
    expect(found(Buffer.from(nul.stdout + nul.stderr))).toEqual([]);
  });
});
