import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
let context: string;
beforeAll(async () => {
  shell = await openShell();
  if (lacks('user-namespaces', 'overlay')) return;
  context = shell.context({
    // Both stages make the very same layer: in the image it comes from COPY.
    Dockerfile:
      'FROM base AS one\nRUN echo hello > /x\nFROM base\nENV A=1 B="two words"\nCOPY --from=one /x /x\nRUN echo "a very long line that goes on and on and on" > /long\nCMD ["sh", "-c", "echo   hi"]\n',
  });
  await shell.tbuild('-t', 'app', context);
});
afterAll(() => shell[Symbol.dispose]());

interface Origin {
  readonly step: {
    readonly number: number;
    readonly total: number;
    readonly text: string;
    readonly dockerfile: string;
  };
  readonly record: { readonly key: string; readonly text: string };
}
interface Row {
  readonly createdBy: string;
  readonly layer?: string;
  readonly directory?: string;
  readonly origin?: Origin;
  readonly arrivedAs?: { readonly digest: string };
}

const lines = async (...argv: readonly string[]): Promise<readonly string[]> => {
  const { status, stdout, stderr } = await shell.tbuild('history', ...argv);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
};
const rows = async (): Promise<readonly Row[]> => (await lines('--json', 'app')).map((line) => JSON.parse(line) as Row);

describe.skipIf(lacks('user-namespaces', 'overlay'))('history', () => {
  test("has docker's columns", async () => {
    const [head = '', first = '', long = ''] = await lines('app');
    expect(head).toMatch(/^IMAGE {10}CREATED {2,}CREATED BY {38}SIZE {6}COMMENT$/);
    expect(first).toMatch(
      /^[0-9a-f]{12} {3}.* ago {3,}CMD \["sh" "-c" "echo {3}hi"\] {21}0B {8}buildkit\.dockerfile\.v0$/,
    );
    expect(long).toMatch(/^<missing> {6}.* ago {3,}RUN \/bin\/sh -c echo "a very long line that g… {3}44B {7}buildkit/);
  });

  test('--no-trunc shows whole ids and instructions, --human=false times and bytes', async () => {
    const [head = '', first = '', long = ''] = await lines('--no-trunc', '-H=false', 'app');
    expect(head).toMatch(/^IMAGE {69}CREATED AT {13}CREATED BY/);
    expect(first).toMatch(/^sha256:[0-9a-f]{64} {3}20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ {3}CMD .* {3}0 {9}buildkit/);
    expect(long).toMatch(
      /RUN \/bin\/sh -c echo "a very long line that goes on and on and on" > \/long # buildkit {3}44 {8}/,
    );
  });

  test('-q prints ids, as docker does', async () => {
    expect(await lines('-q', 'app')).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/), ...Array(4).fill('<missing>')]);
    expect((await lines('-q', '--no-trunc', 'app'))[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  test('--format takes json, tables and templates', async () => {
    const [first = ''] = await lines('--format', 'json', 'app');
    expect(JSON.parse(first)).toMatchObject({
      ID: expect.stringMatching(/^[0-9a-f]{12}$/),
      CreatedAt: expect.stringMatching(/Z$/),
      CreatedBy: 'CMD ["sh" "-c" "echo   hi"]',
      Size: '0B',
      Comment: 'buildkit.dockerfile.v0',
    });
    const [, ...table] = await lines('--format', 'table {{.Size}}\\t{{truncate .CreatedBy 4}}', 'app');
    expect(table.slice(0, 4)).toEqual(
      ['0B        CMD ', '44B       RUN ', '6B        COPY', '0B        ENV '].map((x) => x.trim()),
    );
    expect((await lines('--format', '<{{.Step}}>', 'app')).slice(0, 4)).toEqual([
      '<>',
      '<6/7 : RUN echo "a very long line that goes on and …>',
      '<5/7 : COPY --from=one /x /x>',
      '<>',
    ]);
    const { status, stderr } = await shell.tbuild('history', '--format', '{{.Nope}}', 'app');
    expect(stderr).toMatch(/^ERROR: --format: there is no field \.Nope; there are \.ID \.CreatedSince/);
    expect(status).toBe(125);
  });

  test('--json has the step and the cache record of each layer, of two that are the same each its own', async () => {
    const [cmd, run, copy, env, base] = await rows();
    expect([cmd?.layer, env?.layer]).toEqual([undefined, undefined]);
    const dockerfile = join(context, 'Dockerfile');
    expect(run?.origin?.step).toMatchObject({ number: 6, total: 7, dockerfile });
    expect(copy?.origin).toMatchObject({
      step: { number: 5, total: 7, text: 'COPY --from=one /x /x', dockerfile },
      record: { text: 'COPY /x /x', key: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(base?.arrivedAs?.digest).toMatch(/^sha256:/);
    expect(base?.origin).toBeUndefined();
    const why = JSON.parse((await shell.tbuild('cache', 'why', '--json')).stdout) as { steps: { key?: string }[] };
    expect(why.steps.map(({ key }) => key)).toContain(copy?.origin?.record.key);
    expect((await shell.sh(`ls ${run?.directory}`)).stdout).toBe('long\n');
  });

  test('--verbose says it for people', async () => {
    const { stdout } = await shell.tbuild('history', '--verbose', 'app');
    const blocks = stdout.split('\n\n');
    expect(blocks).toHaveLength(5);
    expect(blocks[0]).toMatch(/^Image: {7}sha256:[0-9a-f]{64}\n.*\nLayer: {7}none: it changes only the config$/s);
    expect(blocks[2]).toMatch(
      /\nStep: {8}5\/7 : COPY --from=one \/x \/x\n {13}of \/.*\/Dockerfile, built .* ago\nRecord: {6}[0-9a-f]{64}, took \d+ms$/,
    );
    expect(blocks[4]).toMatch(
      /\nArrived as: {2}sha256:[0-9a-f]{64} \(application\/vnd\.oci\.image\.layer\.v1\.tar, .*\)\n$/,
    );
  });

  test('what is no longer remembered is said', async () => {
    rmSync(join(shell.directory, 'store/builds'), { recursive: true });
    rmSync(join(shell.directory, 'store/records'), { recursive: true });
    const [, run] = await rows();
    expect(run?.origin).toBeUndefined();
    const { stdout } = await shell.tbuild('history', '--verbose', 'app');
    expect(stdout).toContain(
      'Step:        not known: no build that is remembered went through it\nRecord:      removed from',
    );
  });
});
