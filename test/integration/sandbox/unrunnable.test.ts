import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TarEntry } from '../../../src/demo/tar-writer.ts';
import { writeTar } from '../../../src/demo/tar-writer.ts';
import { diagnoseImage, hostPlatform, importImage, runImage } from '../../../src/index.ts';
import type { RunOptions, RunResult, TbuildError } from '../../../src/index.ts';
import { handlersFor, readEmulation } from '../../../src/rootfs/binfmt.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { makeProgram } from '../../helpers/program-file.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';

const ours = process.arch === 'arm64' ? { machine: 183, name: 'arm64' } : { machine: 62, name: 'amd64' };
const theirs = process.arch === 'arm64' ? { machine: 62, name: 'amd64' } : { machine: 183, name: 'arm64' };
/** No machine that there is, so that no emulator can be registered for it. */
const nobodys = 0x7fff;
const working = readFileSync(fileURLToPath(new URL('../../../addon/build/init', import.meta.url)));

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

const program = (path: string, content: Buffer): TarEntry => ({ path, mode: 0o755, content });
const loader = '/lib64/ld-linux-x.so.2';
/** As Debian lays it out: /bin/sh is a link, /lib64 too. */
function distribution(shell: Buffer, library?: Buffer): readonly TarEntry[] {
  return [
    ...['usr', 'usr/bin', 'usr/lib', 'usr/lib/there', 'usr/lib64'].map((path) => ({ path, mode: 0o755 })),
    { path: 'bin', mode: 0o777, link: 'usr/bin' },
    { path: 'lib64', mode: 0o777, link: 'usr/lib64' },
    program('usr/bin/dash', shell),
    { path: 'usr/bin/sh', mode: 0o777, link: 'dash' },
    { path: 'usr/lib64/ld-linux-x.so.2', mode: 0o777, link: '../lib/there/ld-linux-x.so.2' },
    program('usr/lib/there/ld-linux-x.so.2', makeProgram({ machine: ours.machine })),
    ...(library === undefined ? [] : [program('usr/lib/there/libc.so.6', library)]),
    { path: 'usr/lib/os-release', mode: 0o644, content: Buffer.from('ID=x\nPRETTY_NAME="X Linux 1"\n') },
  ];
}

let images = 0;
async function imageOf(entries: Iterable<TarEntry>): Promise<string> {
  const name = `unrunnable-${images++}`;
  await importImage({ store: workshop.store, source: Readable.from(writeTar(entries)), name });
  return name;
}

const build = (image: string, ...lines: readonly string[]): Promise<unknown> =>
  workshop.build(workshop.context({ Dockerfile: [`FROM ${image}`, ...lines, ''].join('\n') }));

async function run(image: string, options: Partial<RunOptions> = {}): Promise<RunResult & { readonly output: string }> {
  let output = '';
  const onOutput = (_: unknown, chunk: Uint8Array): void => void (output += Buffer.from(chunk).toString());
  const result = await runImage({ store: workshop.store, image, remove: true, onOutput, ...options });
  return { ...result, output };
}

const failure = (promise: Promise<unknown>): Promise<TbuildError> =>
  promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as TbuildError,
  );

describe.skipIf(lacks('user-namespaces', 'overlay'))('a program of another architecture', () => {
  const isEmulated = (): boolean => {
    const emulation = readEmulation();
    return emulation.kind === 'seen' && handlersFor(emulation.handlers, makeProgram(theirs)).length > 0;
  };

  test.skipIf(isEmulated())('is refused before the first RUN, by a sentence that names both', async () => {
    const image = await imageOf(distribution(makeProgram({ machine: theirs.machine, loader })));
    const { code, message, span } = await failure(build(image, 'ENV A=b', 'RUN echo hello'));
    expect(message).toBe(
      `/usr/bin/dash of the image is a program for linux/${theirs.name}, this machine is linux/${ours.name}, and no emulator is registered for it`,
    );
    expect({ code, line: span?.line }).toEqual({ code: 'TBUILD_FOREIGN_BINARY', line: 3 });
    expect((await failure(run(image, { argv: ['sh'] }))).message).toBe(message);
  });

  test('does not matter where nothing of the image runs', async () => {
    const image = await imageOf(distribution(makeProgram({ machine: nobodys, loader })));
    await expect(build(image, 'COPY --from=base /bin/init /init', 'WORKDIR /x')).resolves.toBeDefined();
  });

  test('is also the interpreter of a script', async () => {
    const script = program('usr/bin/script', Buffer.from('#! /bin/sh -e\necho hello\n'));
    const image = await imageOf([...distribution(makeProgram({ machine: nobodys, loader })), script]);
    const { code, message } = await failure(build(image, 'RUN ["script"]'));
    expect(code).toBe('TBUILD_FOREIGN_BINARY');
    expect(message).toContain(`/usr/bin/dash of the image is a program for ELF machine ${nobodys}`);
  });

  test('says nothing but the sentence', async () => {
    const image = await imageOf(distribution(makeProgram({ machine: nobodys, loader })));
    let output = '';
    await failure(run(image, { argv: ['sh'], onOutput: (_, chunk) => void (output += String(chunk)) }));
    expect(output).toBe('');
  });

  test('that another one in PATH, an earlier step, or a volume stands in for, is of no importance', async () => {
    const foreign = makeProgram({ machine: nobodys });
    const image = await imageOf([
      { path: 'bin', mode: 0o755 },
      program('bin/echo', foreign),
      { path: 'good', mode: 0o755 },
      program('good/echo', working),
    ]);
    await expect(build(image, 'ENV PATH=/good:/bin', 'RUN ["echo", "1"]')).resolves.toBeDefined();
    await expect(build(image, 'COPY --from=base /bin/init /bin/echo', 'RUN ["/bin/echo"]')).resolves.toBeDefined();
    const volumes = [{ source: join(workshop.directory, 'good'), target: '/bin', readonly: true }];
    await workshop.build(workshop.context({ Dockerfile: 'FROM base\n' }), {
      outputs: [{ type: 'local', destination: join(workshop.directory, 'exported') }],
    });
    volumes[0]!.source = join(workshop.directory, 'exported/bin');
    expect(await run(image, { argv: ['/bin/echo', 'hello'], volumes })).toMatchObject({
      exitCode: 0,
      output: 'hello\n',
    });
  });

  test('a file that is no program at all fails as it always did', async () => {
    const image = await imageOf([
      { path: 'bin', mode: 0o755 },
      program('bin/x', Buffer.from('not a program')),
      program('bin/y', Buffer.from('#!/nowhere\n')),
    ]);
    expect(await run(image, { argv: ['/bin/x'] })).toMatchObject({ exitCode: 126 });
    expect(await run(image, { argv: ['/bin/y'] })).toMatchObject({ exitCode: 127 });
    expect(await run(image, { argv: ['/bin/none'] })).toMatchObject({ exitCode: 127 });
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('a C library that asks for a newer kernel', () => {
  const shell = makeProgram({ machine: ours.machine, loader, oldestKernel: [3, 2, 0] });

  test('is refused before the first RUN, by a sentence that names both', async () => {
    const image = await imageOf(
      distribution(shell, makeProgram({ machine: ours.machine, oldestKernel: [99, 0, 0], gap: 2_000_000 })),
    );
    const { code, message, span } = await failure(build(image, 'RUN echo hello'));
    expect(message).toMatch(
      /^the C library of the image asks for Linux 99\.0\.0 or newer, and this machine runs Linux \d+\.\d+.*: \/usr\/lib\/there\/libc\.so\.6$/,
    );
    expect({ code, line: span?.line }).toEqual({ code: 'TBUILD_KERNEL_TOO_OLD', line: 2 });
    expect((await failure(run(image, { argv: ['/bin/sh'] }))).message).toBe(message);
  });

  test('so is a static program', async () => {
    const image = await imageOf([program('sh', makeProgram({ machine: ours.machine, oldestKernel: [98, 1, 2] }))]);
    expect((await failure(build(image, 'RUN ["/sh"]'))).message).toMatch(
      /^a program of the image asks for Linux 98\.1\.2 or newer/,
    );
  });

  test('what runs here is not in the way', async () => {
    const note = { machine: ours.machine, oldestKernel: [3, 2, 0] } as const;
    const image = await imageOf(distribution(makeProgram({ ...note, loader }), makeProgram(note)));
    // Without code it ends by a signal.
    expect((await run(image, { argv: ['/bin/sh'] })).exitCode).toBeGreaterThan(127);
  });

  test('is looked for once: a later build finds in the store what its files ask for', async () => {
    const image = await imageOf(distribution(shell, makeProgram({ machine: ours.machine, oldestKernel: [97, 0, 0] })));
    const kept = (): readonly string[] => readdirSync(join(workshop.store.root, 'programs'));
    const before = kept().length;
    await failure(run(image, { argv: ['/bin/sh'] }));
    expect(kept()).toHaveLength(before + 3);
    const { code } = await failure(
      runImage({ storeRoot: workshop.store.root, image, argv: ['/bin/sh'], onOutput: () => undefined }),
    );
    expect(code).toBe('TBUILD_KERNEL_TOO_OLD');
    expect(kept()).toHaveLength(before + 3);
  });
});

describe('diagnoseImage', () => {
  const diagnose = (image: string): ReturnType<typeof diagnoseImage> => diagnoseImage({ store: workshop.store, image });

  test('explains what an image is and needs', async () => {
    const library = Buffer.concat([
      makeProgram({ machine: ours.machine, oldestKernel: [4, 1, 2], gap: 5000 }),
      Buffer.from('GNU C Library (X 2.99-1) stable release version 2.99.\n'),
    ]);
    const image = await imageOf(
      distribution(makeProgram({ machine: ours.machine, loader, oldestKernel: [3, 2, 0] }), library),
    );
    const { findings, ...facts } = await diagnose(image);
    expect(facts).toMatchObject({
      platform: `linux/${hostPlatform().architecture}`,
      release: { id: 'x', version: undefined, name: 'X Linux 1' },
      cLibrary: { kind: 'glibc', version: '2.99', path: '/usr/lib/there/libc.so.6' },
      oldestKernel: '4.1.2',
      programs: [{ path: '/usr/bin/dash', platform: `linux/${ours.name}`, loader, runsHere: true }],
    });
    expect(findings.map(({ status, what }) => `${status} ${what}`)).toEqual([
      'ok release',
      'ok architecture',
      'ok C library',
      'ok kernel',
    ]);
  });

  test('says why one cannot run', async () => {
    const library = makeProgram({ machine: ours.machine, oldestKernel: [99, 0, 0] });
    const { findings } = await diagnose(
      await imageOf(distribution(makeProgram({ machine: ours.machine, loader }), library)),
    );
    expect(findings.filter(({ status }) => status === 'failure')).toEqual([
      {
        status: 'failure',
        what: 'kernel',
        finding: expect.stringContaining('asks for Linux 99.0.0 or newer'),
        remedy: expect.stringContaining('older release'),
      },
    ]);
  });

  test('a loader that is missing, and a config that says another architecture', async () => {
    const shell = makeProgram({ machine: theirs.machine, loader: '/lib/nowhere.so' });
    const { findings } = await diagnose(await imageOf([program('bin/sh', shell)]));
    expect(findings).toContainEqual({
      status: 'warning',
      what: 'architecture',
      finding: `the image says that it is for linux/${ours.name}, which its programs are not`,
      remedy: `make it anew with --platform linux/${theirs.name}`,
    });
    expect(findings).toContainEqual({
      status: 'failure',
      what: 'C library',
      finding: '/bin/sh needs the loader /lib/nowhere.so, which is not in the image',
      remedy: expect.stringContaining('static'),
    });
  });

  test('an image without programs', async () => {
    const { findings, programs, release } = await diagnose(await imageOf([{ path: 'data', mode: 0o755 }]));
    expect({ programs, release }).toEqual({ programs: [], release: undefined });
    expect(findings.every(({ status }) => status === 'ok')).toBe(true);
  });
});
