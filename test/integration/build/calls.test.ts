import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { file } from '../../../fixtures/layers/layer-case.ts';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import { listImages, outline, targets } from '../../../src/index.ts';
import type { BuildOptions, Outline } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { startRegistry } from '../../helpers/registry.ts';
import type { TestRegistry } from '../../helpers/registry.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop[Symbol.asyncDispose]());

let registry: TestRegistry;
beforeEach(async () => {
  registry = await startRegistry();
});
afterEach(() => registry[Symbol.asyncDispose]());

const outlineOf = (dockerfile: string, options: Partial<BuildOptions> = {}): Promise<Outline> =>
  outline({ context: shop.context({ Dockerfile: dockerfile }), store: shop.store, ...options });

const argsOf = ({ args = [] }: Outline): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(args.map(({ name, value }) => [name, value]));

// What each Dockerfile gives: test/differential/calls.test.ts.
describe.skipIf(lacks('user-namespaces'))('the base of an outline', () => {
  const layer = tarOf({ name: 'hello', content: 'hello' });

  test('is asked for in its registry, without its layers, and is not kept', async () => {
    registry.putImage('app:1', { layers: [layer], config: { Env: ['VERSION=7'], OnBuild: ['ARG TRIGGER=$VERSION'] } });
    const before = await listImages(shop.store);
    const found = await outlineOf(`FROM ${registry.host}/app:1\nARG A=v$VERSION\n`);
    expect(argsOf(found)).toEqual({ TRIGGER: '7', A: 'v7' });
    expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toHaveLength(1);
    expect(await listImages(shop.store)).toEqual(before);
  });

  test('is that of the store where there is one', async () => {
    expect(argsOf(await outlineOf('FROM base\nARG A=$PATH\n'))).toEqual({ A: '/bin' });
    expect(registry.requests).toEqual([]);
  });

  test('is what a named context says', async () => {
    registry.putImage('other:1', { layers: [layer], config: { Env: ['WHO=other'] } });
    const buildContexts = { base: `docker-image://${registry.host}/other:1` };
    expect(argsOf(await outlineOf('FROM base\nARG A=$WHO\n', { buildContexts }))).toEqual({ A: 'other' });
  });

  test('that there is not fails with the line, and a stage that may be meant', async () => {
    const dockerfile = `FROM scratch AS tools\nFROM ${registry.host}/nothing:1\n`;
    await expect(outlineOf(dockerfile)).rejects.toMatchObject({ code: 'TBUILD_REGISTRY', span: { line: 2 } });
    await expect(outlineOf('FROM scratch AS tools\nFROM localhost:1/tool\n')).rejects.toMatchObject({
      span: { line: 2 },
    });
  });

  test('of stages that the target does not need is not looked for', async () => {
    const dockerfile = `FROM ${registry.host}/nothing:1\nFROM scratch AS app\nARG A=1\n`;
    expect(argsOf(await outlineOf(dockerfile))).toEqual({ A: '1' });
  });
});

describe('an outline', () => {
  test('asks for no permission: nothing runs', async () => {
    const dockerfile = 'FROM scratch\nRUN --security=insecure --network=host --mount=type=secret,id=s true\n';
    expect((await outlineOf(dockerfile)).secrets).toMatchObject([{ name: 's' }]);
  });

  test('follows a trigger that copies from a stage', async () => {
    const dockerfile =
      'FROM scratch AS files\nARG SIZE=1\nFROM scratch AS base\nONBUILD COPY --from=files / /\nFROM base\n';
    expect(argsOf(await outlineOf(dockerfile))).toEqual({ SIZE: '1' });
  });

  test('of an aborted call rejects with the reason', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(outlineOf('FROM scratch\nARG A\n', { signal })).rejects.toThrow('enough');
  });

  test('of a Dockerfile on standard input has it as its source', async () => {
    const text = 'FROM scratch AS a\n# A says\nARG A\n';
    const found = await outline({ context: '-', stdin: Readable.from([Buffer.from(text)]), store: shop.store });
    expect(found).toMatchObject({ name: 'a', args: [{ name: 'A', description: 'says' }] });
    expect(Buffer.from(found.sources[0] ?? '', 'base64').toString()).toBe(text);
  });
});

describe.skipIf(lacks('user-namespaces'))('targets', () => {
  test('are read from the Dockerfile of a tar on standard input', async () => {
    const tar = tarOf(file('other', 'FROM scratch AS one\nFROM nothing:at-all AS two\n'));
    const options = { context: '-', dockerfile: 'other', stdin: Readable.from([tar]), store: shop.store };
    expect((await targets(options)).targets).toMatchObject([
      { name: 'one', default: undefined, base: 'scratch' },
      { name: 'two', default: true, base: 'nothing:at-all' },
    ]);
  });
});
