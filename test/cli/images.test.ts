import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeTar } from '../../src/demo/tar-writer.ts';
import { lacks } from '../helpers/capabilities.ts';
import { makeProgram } from '../helpers/program-file.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
let context: string;
beforeAll(async () => {
  shell = await openShell();
  context = shell.context({
    Dockerfile: 'FROM base\nCOPY a /a\nRUN echo made > /made\nENV X=1\nCMD ["cat", "/made"]\n',
    a: 'hello\n',
  });
});
afterAll(() => shell[Symbol.dispose]());

describe.skipIf(lacks('user-namespaces', 'overlay'))('images', () => {
  beforeEach(async () => {
    await shell.tbuild('-q', '-t', 'app', context);
  });

  test("are listed newest first in docker's columns", async () => {
    const { stdout } = await shell.tbuild('images');
    expect(shell.stable(stdout)).toMatch(
      /^REPOSITORY {3}TAG {7}IMAGE ID {7}CREATED +SIZE\napp +latest +<id> +<ago> +\d+kB\nbase +latest +<id> +<ago> +\d+kB\n$/,
    );
  });

  test('are listed as JSON, one a line, and as ids', async () => {
    const { stdout } = await shell.tbuild('images', '--json');
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { Repository: string; ID: string });
    expect(lines.map(({ Repository }) => Repository)).toEqual(['app', 'base']);
    const { stdout: ids } = await shell.tbuild('images', '-q', '--no-trunc');
    expect(ids.trim().split('\n')).toEqual(lines.map(({ ID }) => ID));
  });

  test('get one more name, which goes without the image, which goes with its last name', async () => {
    expect(await shell.tbuild('tag', 'app', 'localhost:5000/team/app:2')).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect((await shell.tbuild('images')).stdout).toMatch(/^localhost:5000\/team\/app +2 /m);
    expect((await shell.tbuild('rmi', 'app')).stdout).toBe('Untagged: app:latest\n');
    const { stdout } = await shell.tbuild('rmi', 'localhost:5000/team/app:2');
    expect(stdout).toMatch(/^Untagged: localhost:5000\/team\/app:2\nDeleted: sha256:[0-9a-f]{64}\n$/);
  });

  test('rmi goes on after a name that is not there, and fails', async () => {
    await shell.tbuild('tag', 'app', 'other');
    const { status, stdout, stderr } = await shell.tbuild('rmi', 'missing', 'other');
    expect({ status, stdout }).toEqual({ status: 1, stdout: 'Untagged: other:latest\n' });
    expect(stderr).toContain('No such image: missing\n');
  });

  test('rmi by id of an image with two names needs --force', async () => {
    await shell.tbuild('tag', 'app', 'second');
    const [id = ''] = (await shell.tbuild('images', '-q')).stdout.split('\n');
    const refused = await shell.tbuild('rmi', id);
    expect(refused.stderr).toContain('(must be forced)');
    expect(refused.status).toBe(1);
    expect((await shell.tbuild('rmi', '-f', id)).stdout).toMatch(/^Untagged: .*\nUntagged: .*\nDeleted: sha256:/);
  });

  test('history tells the instructions, newest first', async () => {
    const { stdout } = await shell.tbuild('history', 'app');
    const [, ...lines] = shell.stable(stdout).replace(/ {2,}/g, '  ').trim().split('\n');
    expect(lines.map((line) => line.replace(/\d+kB/, '<size>'))).toEqual([
      '<id>  <ago> CMD ["cat" "/made"]  0B  buildkit.dockerfile.v0',
      '<missing>  <ago> ENV X=1  0B  buildkit.dockerfile.v0',
      '<missing>  <ago> RUN /bin/sh -c echo made > /made # buildkit  5B  buildkit.dockerfile.v0',
      '<missing>  <ago> COPY a /a # buildkit  6B  buildkit.dockerfile.v0',
      '<missing>  <ago> <size>  Imported from <dir>/base.tar',
    ]);
    const { stdout: json } = await shell.tbuild('history', '--json', 'app');
    const rows = json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { createdBy: string; size: number });
    expect(rows.map(({ size }) => size).slice(0, 4)).toEqual([0, 0, 5, 6]);
  });

  test('inspect shows config and the directories of the layers; what is not there fails without hiding the rest', async () => {
    const { stdout } = await shell.tbuild('inspect', 'app');
    const [image] = JSON.parse(stdout) as [{ GraphDriver: { Data: { UpperDir: string } }; Config: { Cmd: string[] } }];
    expect(image.Config.Cmd).toEqual(['cat', '/made']);
    expect(readdirSync(image.GraphDriver.Data.UpperDir)).toEqual(['made']);
    const mixed = await shell.tbuild('inspect', 'missing', 'app');
    expect(mixed.status).toBe(1);
    expect(JSON.parse(mixed.stdout)).toHaveLength(1);
    expect(mixed.stderr).toMatch(/^ERROR: No such image: missing\nhint: .*\n\(TBUILD_IMAGE_NOT_FOUND\)\n$/);
  });

  test.each([
    ['history', 'missing'],
    ['tag', 'missing', 'x'],
    ['rmi', 'missing'],
  ])('%s of an unknown image ends with 1', async (...argv) => {
    const { status, stderr } = await shell.tbuild(...argv);
    expect(status).toBe(1);
    expect(stderr).toContain('No such image: missing');
  });

  test('a malformed name is refused before anything is built', async () => {
    const { status, stdout, stderr } = await shell.tbuild('-t', 'App', context);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('the repository name must be lower case');
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('the cache', () => {
  test('ls shows layers with their directories and the images that have them', async () => {
    await shell.tbuild('-q', '-t', 'listed', context);
    const { stdout } = await shell.tbuild('cache', 'ls');
    expect(stdout).toMatch(/^LAYER +CREATED +SIZE +FILES +IMAGES +DIRECTORY\n/);
    const { stdout: json } = await shell.tbuild('cache', 'ls', '--json');
    const layers = json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { directory: string; images: string[] });
    const made = layers.filter(({ directory }) => readdirSync(directory).includes('made'));
    expect(made).toHaveLength(1);
    expect(made[0]?.images).toContain('listed:latest');
  });

  test('prune keeps what named images and records need; --all lets records go, --dry-run nothing', async () => {
    await shell.tbuild('-q', '-t', 'kept', context);
    const loose = shell.context({ Dockerfile: 'FROM base\nRUN echo loose > /loose\n' });
    await shell.tbuild('-q', loose);
    const directories = async (): Promise<string[]> =>
      (await shell.tbuild('cache', 'ls', '--json')).stdout
        .trim()
        .split('\n')
        .flatMap((line) => readdirSync((JSON.parse(line) as { directory: string }).directory));
    expect((await shell.tbuild('prune', '--dry-run', '--all')).stdout).toMatch(/^Would remove layer .* \(6B\)$/m);
    expect(await directories()).toContain('loose');
    await shell.tbuild('prune', '--all');
    expect(await directories()).not.toContain('loose');
    expect(await directories()).toContain('made');
    expect((await shell.tbuild('run', '--rm', 'kept')).stdout).toBe('made\n');
    expect(JSON.parse((await shell.tbuild('prune', '--json')).stdout)).toMatchObject({ reclaimed: 0, layers: [] });
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('prune --filter', () => {
  test('keeps what was used since', async () => {
    const app = shell.context({ Dockerfile: 'FROM base\nENV A=1\nRUN echo filtered > /filtered\n' });
    await shell.tbuild(app);
    const young = await shell.tbuild('prune', '--force', '--all', '--filter', 'until=1h');
    expect(young).toMatchObject({ status: 0, stdout: 'Total reclaimed space: 0B\n' });
    const again = await shell.tbuild(app);
    expect(again.stdout.match(/Using cache/g)).toHaveLength(2);
    const old = await shell.tbuild('prune', '-f', '-a', '--filter', 'until=-1h');
    expect(old.stdout).toMatch(/Removed layer [0-9a-f]{12} .*Removed \d+ cache records/s);
    expect((await shell.tbuild(app)).stdout).toContain('Not cached: its cache record has been removed from the store');
  });

  test.each([
    [['--filter', 'until=24x'], /until=24x: neither a duration nor a time\nhint: for example until=24h/],
    [
      ['--filter', 'label=x'],
      /--filter "label=x" is not known\nhint: until=TIME and type=exec\.cachemount\|regular are/,
    ],
    [['--filter', 'until'], /--filter "until" is not known/],
    [['--filter', 'until=1h', '--filter', 'until=2h'], /more than one --filter until/],
    [['--filter', 'type=regular', '--filter', 'type=regular'], /more than one --filter type/],
    [['--filter', 'type=foo'], /--filter "type=foo" is not known\nhint: the types are regular/],
    [['--max-used-space', 'much'], /--max-used-space "much" is no size\nhint: for example/],
  ])('%j is a mistake', async (argv, message) => {
    const { status, stderr } = await shell.tbuild('prune', ...argv);
    expect(stderr).toMatch(message);
    expect(status).toBe(125);
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('cache du', () => {
  const du = async (): Promise<number> => Number((await shell.sh('du -s -B1 $HOME/store | cut -f1')).stdout);
  interface Usage {
    readonly entries: readonly {
      readonly id: string;
      readonly type: string;
      readonly reclaimable: boolean;
      readonly size: number;
      readonly sharedSize: number;
      readonly description: string;
      readonly images: readonly string[];
    }[];
    readonly totals: {
      readonly dangling: number;
      readonly reclaimable: number;
      readonly shared: number;
      readonly total: number;
    };
  }
  interface Pruned {
    readonly mounts: readonly { readonly key: string; readonly id: string; readonly size: number }[];
    readonly images: readonly string[];
    readonly reclaimed: number;
  }
  const usage = async (...argv: readonly string[]): Promise<Usage> =>
    JSON.parse((await shell.tbuild('cache', 'du', '--json', ...argv)).stdout) as Usage;

  test('counts hard links once, and what prune frees is what the disk gets back', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`s/${index}`, 'x'.repeat(9000 + index)]),
    );
    const copying = shell.context({ Dockerfile: 'FROM base\nCOPY s /linked\n', ...files });
    await shell.tbuild(copying);
    writeFileSync(join(copying, 's/new'), 'new');
    await shell.tbuild(copying);
    const { entries, totals } = await usage();
    const copies = entries.filter(({ description }) => description === 'COPY s /linked');
    expect(copies.map(({ reclaimable, sharedSize }) => [reclaimable, sharedSize > 100_000])).toEqual(
      Array(2).fill([true, true]),
    );
    expect(totals.total).toBe(await du());
    expect(totals.shared + totals.reclaimable).toBeLessThan(totals.total);
    expect(entries.find(({ images }) => images.includes('base:latest'))?.reclaimable).toBe(false);

    expect((await usage('--filter', 'description~=linked')).entries).toHaveLength(2);
    expect((await usage('--filter', 'shared=true', '--filter', 'reclaimable=false')).entries).toHaveLength(0);
    expect((await usage('--filter', 'until=1h')).entries).toHaveLength(0);
    const { stdout } = await shell.tbuild('cache', 'du');
    expect(stdout).toMatch(/^ID {13}RECLAIMABLE {3}SIZE {6}LAST ACCESSED +TYPE +DESCRIPTION\n/);
    expect(stdout).toMatch(/\n[0-9a-f]{12} {3}true {10}[\d.]+kB\* .* ago +regular +COPY s \/linked\n/);
    expect(stdout).toMatch(/\nShared: +\S+\nDangling: +\S+\nReclaimable: +\S+\nTotal: +\S+\n$/);
    expect((await shell.tbuild('cache', 'du', '--verbose')).stdout).toContain('\nDescription:  COPY s /linked\n');

    for (const argv of [[], ['--all']]) {
      const before = await du();
      const planned = JSON.parse((await shell.tbuild('prune', '--dry-run', '--json', ...argv)).stdout) as {
        reclaimed: number;
      };
      expect(await du()).toBe(before);
      const done = JSON.parse((await shell.tbuild('prune', '-f', '--json', ...argv)).stdout) as { reclaimed: number };
      expect(done).toEqual(planned);
      expect(before - (await du())).toBe(done.reclaimed);
    }
    expect((await usage()).totals).toMatchObject({ dangling: 0, reclaimable: 0, total: await du() });
  });

  test('shows cache mounts, and prune takes them alone, or leaves them', async () => {
    const context = shell.context({
      Dockerfile:
        'FROM base\nRUN --mount=type=cache,target=/kept --mount=type=cache,target=/d,id=other,mode=0700,uid=3 --mount=target=/m fill /kept/f 30000 && touch /made',
    });
    await shell.tbuild('-t', 'with-mounts', context);
    const { entries } = await usage('--filter', 'type=exec.cachemount');
    expect(
      entries.map(({ type, description, reclaimable, images }) => [type, description, reclaimable, images]),
    ).toEqual(
      expect.arrayContaining([
        ['exec.cachemount', 'cache mount with id "/kept"', true, []],
        ['exec.cachemount', 'cache mount with id "other"', true, []],
      ]),
    );
    expect(entries).toHaveLength(2);
    const layers = (await usage('--filter', 'type=regular')).entries;
    expect(layers.map(({ description }) => description)).toContain('files of the build context for RUN --mount');
    expect((await usage()).totals.total).toBe(await du());
    const table = (await shell.tbuild('cache', 'du')).stdout;
    expect(table).toMatch(
      /\n[0-9a-f]{12} {3}true {10}[\d.]+kB +.* ago +exec\.cachemount {3}cache mount with id "\/kept"\n/,
    );
    expect((await shell.tbuild('cache', 'du', '--verbose')).stdout).toContain('\nType:         exec.cachemount\n');

    const { stdout } = await shell.tbuild('prune', '--dry-run', '--filter', 'type=exec.cachemount');
    expect(stdout).toMatch(
      /^(Would remove cache mount (\/kept|other) \([\d.]+kB\)\n){2}Total reclaimed space: [\d.]+kB\n$/,
    );
    await shell.tbuild('prune', '-f', '--all', '--filter', 'type=regular');
    expect((await usage('--filter', 'type=exec.cachemount')).entries).toHaveLength(2);
    const young = await shell.tbuild('prune', '-f', '--filter', 'type=exec.cachemount', '--filter', 'until=1h');
    expect(young.stdout).toBe('Total reclaimed space: 0B\n');
    const before = await du();
    const pruned = await shell.tbuild('prune', '-f', '--json', '--filter', 'type=exec.cachemount');
    const { mounts, images, reclaimed } = JSON.parse(pruned.stdout) as Pruned;
    expect(mounts.map(({ id }) => id).toSorted()).toEqual(['/kept', 'other']);
    for (const { id, size } of entries) expect(mounts.find(({ key }) => key === id)?.size).toBe(size);
    expect(entries.reduce((sum, { size }) => sum + size, 0)).toBe(reclaimed);
    expect([images, before - (await du())]).toEqual([[], reclaimed]);
    expect((await usage('--filter', 'type=exec.cachemount')).entries).toEqual([]);
    expect((await shell.tbuild('run', '--rm', 'with-mounts', 'ls', '/made')).status).toBe(0);
  });

  test('prune --max-used-space takes what was used least recently, and no more than it must', async () => {
    const made = [];
    for (const name of ['old', 'middle', 'new']) {
      const context = shell.context({ Dockerfile: `FROM base\nRUN fill /${name} 100000\n` });
      await shell.tbuild(context);
      made.push(context);
    }
    // Used again: now the second is the oldest.
    await shell.tbuild(made[0] ?? '');
    const total = await du();
    const all = await shell.tbuild('prune', '--dry-run', '--json', '--max-used-space', String(total));
    expect(JSON.parse(all.stdout)).toMatchObject({ layers: [], mounts: [], reclaimed: 0 });
    const most = total - 50_000;
    await shell.tbuild('prune', '-f', '--max-used-space', String(most));
    expect(await du()).toBeLessThanOrEqual(most);
    const outcomes = [];
    for (const context of made) outcomes.push((await shell.tbuild(context)).stdout.includes('Using cache'));
    expect(outcomes).toEqual([true, false, true]);
    // More than there is to take: everything that no named image needs.
    await shell.tbuild('prune', '-f', '--max-used-space', '1k');
    expect((await usage()).totals.reclaimable).toBe(0);
    expect((await usage()).entries.find(({ images }) => images.includes('base:latest'))?.reclaimable).toBe(false);
  });

  test('an unknown filter is a mistake', async () => {
    const unknown = await shell.tbuild('cache', 'du', '--filter', 'type=foo');
    expect([unknown.status, unknown.stderr]).toEqual([125, expect.stringContaining('"type=foo" is not known')]);
    const { status, stderr } = await shell.tbuild('cache', 'du', '--filter', 'foo=bar');
    expect(stderr).toContain('--filter "foo=bar" is not known');
    expect(status).toBe(125);
  });
});

describe('doctor', () => {
  test('says what works here and which sandbox is used, in text and JSON', async () => {
    const { status, stdout } = await shell.tbuild('doctor');
    const json = await shell.tbuild('doctor', '--json');
    const { findings, sandbox } = JSON.parse(json.stdout) as { findings: { status: string }[]; sandbox: string };
    expect(stdout).toContain(`RUN will use: ${sandbox}\n`);
    expect(stdout).toMatch(/^\[ok {2}\] platform: Linux .* Node v/);
    expect(status).toBe(findings.some((finding) => finding.status === 'failure') ? 1 : 0);
  });

  test.skipIf(lacks('user-namespaces', 'overlay'))('finds nothing wrong where builds work', async () => {
    expect((await shell.tbuild('doctor')).status).toBe(0);
  });

  test('says of an image what it is and needs, and ends with 1 where it cannot run', async () => {
    const { status, stdout } = await shell.tbuild('doctor', 'base');
    expect(stdout).toMatch(
      /^\[ok {2}\] release: tbuild demo base\n\[ok {2}\] architecture: \/bin\/init is a program for linux\/\w+\n\[ok {2}\] C library: none: static\n\[ok {2}\] kernel: .*; this is Linux \d.*\n\nbase can run on this machine\n$/,
    );
    expect(status).toBe(0);
    const foreign = makeProgram({ machine: 0x7fff });
    const name = 'bin/sh\u001b[31m';
    const archive = [...writeTar([{ path: name, mode: 0o755, content: foreign }])];
    writeFileSync(join(shell.directory, 'foreign.tar'), Buffer.concat(archive));
    await shell.tbuild('import', '--change', `CMD ${JSON.stringify([`/${name}`])}`, 'foreign.tar', 'foreign');
    const refused = await shell.tbuild('doctor', 'foreign');
    expect(refused.stdout).toContain(
      '[FAIL] architecture: /bin/sh\ufffd[31m of the image is a program for ELF machine',
    );
    expect(refused.stdout).toMatch(/\n {7}-> build for linux\/.*\n\nforeign cannot run on this machine\n$/s);
    expect(refused.status).toBe(1);
    expect((await shell.tbuild('doctor', 'nothing')).stderr).toContain('(TBUILD_IMAGE_NOT_FOUND)');
  });
});
