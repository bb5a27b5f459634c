import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { tarOf } from '../../../fixtures/layers/tar-bytes.ts';
import { mediaTypes } from '../../../src/oci/descriptor.ts';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { parsePlatform } from '../../../src/oci/platform.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { createRegistryClient } from '../../../src/registry/client.ts';
import type { RegistryClient, RegistryClientOptions } from '../../../src/registry/client.ts';
import type { ResolvedImage } from '../../../src/registry/resolve-image.ts';
import { startRegistry } from '../../helpers/registry.ts';
import type { TestRegistry, TestRegistryOptions } from '../../helpers/registry.ts';

const platform = parsePlatform('linux/amd64');
const layer = tarOf({ name: 'hello', content: 'hello'.repeat(50_000) });

let cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.toReversed()) await step();
  cleanUp = [];
});

async function registryWith(options?: TestRegistryOptions): Promise<TestRegistry> {
  const registry = await startRegistry(options);
  cleanUp.push(() => registry[Symbol.asyncDispose]());
  return registry;
}

function client(options?: RegistryClientOptions): RegistryClient {
  const made = createRegistryClient({ retryDelayMs: 5, ...options });
  cleanUp.push(() => made[Symbol.dispose]());
  return made;
}

async function pull(
  registry: TestRegistry,
  name: string = 'team/app:1',
  from: RegistryClient = client(),
): Promise<{ image: ResolvedImage; layers: Digest[] }> {
  const reference = parseReference(`${registry.host}/${name}`);
  const image = await from.resolveImage(reference, { platform });
  const layers: Digest[] = [];
  for (const descriptor of image.manifest.layers)
    layers.push(digestOf(await bytesOf(from.openBlob(reference, descriptor))));
  return { image, layers };
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

const failing = (code: string, message?: RegExp): unknown =>
  expect.objectContaining({ code, ...(message === undefined ? {} : { message: expect.stringMatching(message) }) });

describe('an image', () => {
  test('is resolved by tag to verified documents, and its layers are read', async () => {
    const registry = await registryWith();
    const pushed = registry.putImage('team/app:1', { layers: [layer], config: { Cmd: ['/hello'] } });
    const { image, layers } = await pull(registry);
    expect(image).toMatchObject({
      digest: pushed.digest,
      index: undefined,
      config: { config: { Cmd: ['/hello'] } },
      platform,
    });
    expect(digestOf(image.manifestBytes)).toBe(image.descriptor.digest);
    expect(digestOf(image.configBytes)).toBe(image.manifest.config.digest);
    expect(layers).toEqual([digestOf(gzipSync(layer))]);
  });

  test('is resolved by digest', async () => {
    const registry = await registryWith();
    const { digest } = registry.putImage('team/app:1', { layers: [layer] });
    expect((await pull(registry, `team/app@${digest}`)).image.digest).toBe(digest);
  });

  test('is chosen from an index by platform, also from an index inside an index', async () => {
    const registry = await registryWith();
    const arm = registry.putImage('team/app', { layers: [], platform: parsePlatform('linux/arm64') });
    const amd = registry.putImage('team/app', { layers: [layer] });
    const attestation = { ...arm, platform: { os: 'unknown', architecture: 'unknown' } };
    const inner = registry.putIndex('team/app', [attestation, arm, amd]);
    const outer = registry.putIndex('team/app:1', [{ ...inner, platform }]);
    const { image } = await pull(registry);
    expect(image).toMatchObject({
      digest: outer.digest,
      index: { descriptor: outer },
      descriptor: { digest: amd.digest },
    });
  });

  test('that is not there for the platform is refused with what there is', async () => {
    const registry = await registryWith();
    const arm = registry.putImage('team/app', { layers: [], platform: parsePlatform('linux/arm64') });
    const attestation = { ...arm, platform: { os: 'unknown', architecture: 'unknown' } };
    registry.putIndex('team/app:1', [attestation, arm]);
    await expect(pull(registry)).rejects.toMatchObject({
      code: 'TBUILD_PLATFORM_MISMATCH',
      hint: 'It is available for linux/arm64.',
    });
  });

  test('indexes that go round and round are given up', async () => {
    const registry = await registryWith();
    let index = registry.putIndex('team/app', [registry.putImage('team/app', { layers: [] })]);
    for (let depth = 0; depth < 4; depth++) index = registry.putIndex('team/app:1', [{ ...index, platform }]);
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_MANIFEST', /nested/));
  });

  test('that does not exist is said to be not found, in the words of the registry', async () => {
    const registry = await registryWith();
    await expect(pull(registry, 'team/app:none')).rejects.toEqual(
      failing('TBUILD_REGISTRY', /not found: manifest unknown/),
    );
  });

  test('control characters in the words of a registry do not reach the terminal', async () => {
    const registry = await registryWith();
    const body = JSON.stringify({ errors: [{ message: 'a\u001b[2Jb\nc' }] });
    registry.addFault({ path: /manifests/, action: { kind: 'status', status: 404, body } });
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_REGISTRY', /a\ufffd\[2Jb\ufffdc/));
  });
});

describe('every digest is verified:', () => {
  test.each<[string, (registry: TestRegistry, manifest: Descriptor) => void, string?]>([
    [
      'a manifest by tag against its announced digest',
      (registry) => registry.addFault({ path: /manifests\/1$/, action: { kind: 'corrupt' } }),
    ],
    [
      'a manifest by digest',
      (registry) => registry.addFault({ path: /manifests\/sha256/, action: { kind: 'corrupt' } }),
      'digest',
    ],
    ['the config', (registry) => registry.addFault({ path: /blobs/, times: 1, action: { kind: 'corrupt' } })],
  ])('%s', async (_name, spoil, by) => {
    const registry = await registryWith();
    const manifest = registry.putImage('team/app:1', { layers: [layer] });
    spoil(registry, manifest);
    const name = by === undefined ? 'team/app:1' : `team/app@${manifest.digest}`;
    await expect(pull(registry, name)).rejects.toEqual(failing('TBUILD_DIGEST_MISMATCH'));
  });

  test('a layer, at its end', async () => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [layer] });
    registry.putBlob(Buffer.from(gzipSync(layer)).reverse(), digestOf(gzipSync(layer)));
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_DIGEST_MISMATCH'));
  });

  test('the manifest behind an index, and its size', async () => {
    const registry = await registryWith();
    const manifest = registry.putImage('team/app', { layers: [] });
    registry.putIndex('team/app:1', [{ ...manifest, size: manifest.size + 1 }]);
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_DIGEST_MISMATCH', /descriptor says/));
  });

  test('a layer whose caller verifies it is passed on as it came, but never more or less of it', async () => {
    const registry = await registryWith();
    const content = Buffer.from('right');
    const descriptor = {
      mediaType: mediaTypes.ociLayer,
      digest: registry.putBlob(Buffer.from('wrong'), digestOf(content)),
      size: 5,
    };
    const reference = parseReference(`${registry.host}/team/app`);
    const from = client();
    expect(String(await bytesOf(from.openBlob(reference, descriptor, { verify: false })))).toBe('wrong');
    for (const size of [4, 6]) {
      const lie = from.openBlob(reference, { ...descriptor, size }, { verify: false });
      await expect(bytesOf(lie)).rejects.toEqual(failing('TBUILD_DIGEST_MISMATCH', /where the manifest says/));
    }
  });

  test('bytes behind the end of a layer', async () => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [layer] });
    registry.addFault({ path: new RegExp(digestOf(gzipSync(layer))), action: { kind: 'extra', bytes: 10 } });
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_DIGEST_MISMATCH', /more bytes/));
  });

  test('a config with other layers than the manifest', async () => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [layer], imageConfig: { rootfs: { type: 'layers', diff_ids: [] } } });
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_MANIFEST', /1 layers, the config 0/));
  });
});

describe('what is too large is not read:', () => {
  test('a manifest over 4 MiB', async () => {
    const registry = await registryWith();
    registry.putManifest('team/app:1', Buffer.alloc(5 * 1024 * 1024, ' '), mediaTypes.ociManifest);
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_MANIFEST', /4 MiB/));
  });

  test('a config over 8 MiB, whatever its descriptor says', async () => {
    const registry = await registryWith();
    const config = Buffer.alloc(9 * 1024 * 1024, ' ');
    for (const size of [config.length, 10]) {
      const descriptor = { mediaType: mediaTypes.ociConfig, digest: registry.putBlob(config), size };
      registry.putImage('team/app:1', { layers: [], manifest: { config: descriptor } });
      await expect(pull(registry)).rejects.toEqual(failing('TBUILD_MANIFEST', /8 MiB/));
    }
  });
});

describe('anonymous tokens', () => {
  test('are fetched when asked for, once, and sent to the registry alone', async () => {
    const registry = await registryWith({ auth: 'bearer', redirectBlobs: true });
    registry.putImage('team/app:1', { layers: [layer, tarOf({ name: 'x' })] });
    expect((await pull(registry)).layers[0]).toBe(digestOf(gzipSync(layer)));
    const by = (server: string): readonly (string | undefined)[] =>
      registry.requests.filter((request) => request.server === server).map(({ authorization }) => authorization);
    expect(by('token')).toEqual([undefined]);
    expect(by('registry')[0]).toBeUndefined();
    expect(by('registry').slice(1)).toEqual(
      by('registry')
        .slice(1)
        .map(() => 'Bearer token-0'),
    );
    expect(by('storage')).toEqual([undefined, undefined, undefined]);
    const { path } = registry.requests.find(({ server }) => server === 'token') ?? { path: '' };
    expect(Object.fromEntries(new URL(path, 'http://x').searchParams)).toEqual({
      service: 'test',
      scope: 'repository:team/app:pull',
    });
  });

  test('of one repository are not used for another', async () => {
    const registry = await registryWith({ auth: 'bearer' });
    registry.putImage('team/app:1', { layers: [] });
    registry.putImage('team/other:1', { layers: [] });
    const from = client();
    await pull(registry, 'team/app:1', from);
    await pull(registry, 'team/other:1', from);
    expect(registry.requests.filter(({ server }) => server === 'token')).toHaveLength(2);
  });

  test('that the service refuses mean that access is denied', async () => {
    const registry = await registryWith({ auth: 'bearer' });
    registry.addFault({ path: /^token:/, action: { kind: 'status', status: 401 } });
    await expect(pull(registry)).rejects.toMatchObject({
      code: 'TBUILD_REGISTRY_AUTH',
      hint: expect.stringContaining('oci-layout'),
    });
  });

  test('that the registry does not take mean that access is denied, without trying for ever', async () => {
    const registry = await registryWith({ auth: 'bearer' });
    registry.addFault({ path: /^token:/, action: { kind: 'status', status: 200, body: '{"token":"other"}' } });
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_REGISTRY_AUTH'));
    expect(registry.requests.length).toBeLessThan(5);
  });

  test.each([
    '{}',
    'x',
    '{"token":""}',
    '{"token":"a\\r\\nb: c"}',
    '{"token":7}',
    'null',
    `{"token":"${'x'.repeat(2 ** 20)}"}`,
  ])('are not taken from the answer %s', async (body) => {
    const registry = await registryWith({ auth: 'bearer' });
    registry.addFault({ path: /^token:/, action: { kind: 'status', status: 200, body } });
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_REGISTRY', /token/));
  });

  test('a registry that wants a password is refused with a way out', async () => {
    const registry = await registryWith({ auth: 'basic' });
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_REGISTRY_AUTH', /access denied/));
  });
});

describe('redirects', () => {
  const to = (location: string): Parameters<TestRegistry['addFault']>[0] => ({
    path: /^\/v2\/.*manifests/,
    action: { kind: 'redirect', location },
  });

  test('to another host lose the credentials', async () => {
    const registry = await registryWith({ auth: 'bearer', redirectBlobs: true });
    const { digest } = registry.putImage('team/app:1', { layers: [] });
    await pull(registry, `team/app@${digest}`);
    expect(registry.requests.filter(({ server }) => server === 'storage')).toMatchObject([
      { authorization: undefined },
    ]);
  });

  test('that never end are given up', async () => {
    const registry = await registryWith();
    registry.addFault(to('/v2/team/app/manifests/1'));
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_REGISTRY', /more than 10 redirects/));
    expect(registry.requests).toHaveLength(11);
  });

  test.each(['ftp://localhost/x', 'file:///etc/passwd', 'http://', 'javascript:0'])(
    'to %s are refused',
    async (location) => {
      const registry = await registryWith();
      registry.addFault(to(location));
      await expect(pull(registry)).rejects.toEqual(failing('TBUILD_REGISTRY', /no http URL/));
    },
  );
});

describe('trouble that may pass', () => {
  test.each([429, 500, 502, 503, 504])('status %i is tried again', async (status) => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [layer] });
    registry.addFault({
      path: /manifests/,
      times: 2,
      action: { kind: 'status', status, headers: { 'retry-after': '0' } },
    });
    registry.addFault({ path: /blobs/, times: 1, action: { kind: 'status', status } });
    expect((await pull(registry)).layers).toEqual([digestOf(gzipSync(layer))]);
  });

  test('is given up after three tries', async () => {
    const registry = await registryWith();
    registry.addFault({ path: /manifests/, action: { kind: 'status', status: 429 } });
    await expect(pull(registry)).rejects.toMatchObject({
      code: 'TBUILD_REGISTRY',
      message: expect.stringContaining('too many requests (status 429), 3 times'),
      hint: expect.stringContaining('limits'),
    });
    expect(registry.requests).toHaveLength(3);
  });

  test('what will not pass is not tried again', async () => {
    const registry = await registryWith();
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_REGISTRY'));
    expect(registry.requests).toHaveLength(1);
  });

  test.each(['cut', 'short'] as const)('a layer that is %s is taken up where it broke', async (kind) => {
    const registry = await registryWith({ redirectBlobs: true });
    registry.putImage('team/app:1', { layers: [layer], gzip: false });
    registry.addFault({ path: new RegExp(`^storage:.*${digestOf(layer)}`), times: 5, action: { kind, after: 30_000 } });
    expect((await pull(registry)).layers).toEqual([digestOf(layer)]);
    const ranges = registry.requests.filter(
      ({ path, server }) => server === 'storage' && path.endsWith(digestOf(layer)),
    );
    expect(ranges.map(({ range }) => range)).toEqual([
      undefined,
      ...[1, 2, 3, 4, 5].map((n) => `bytes=${n * 30_000}-`),
    ]);
  });

  test('a layer that breaks without bringing more is given up', async () => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [layer], gzip: false });
    registry.addFault({ path: new RegExp(digestOf(layer)), action: { kind: 'cut', after: 0 } });
    await expect(pull(registry)).rejects.toEqual(failing('TBUILD_REGISTRY', /ECONNRESET/));
  });

  test('a server that knows no ranges sends all again, and nothing comes twice', async () => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [layer], gzip: false });
    const path = new RegExp(digestOf(layer));
    registry.addFault({ path, times: 1, action: { kind: 'cut', after: 30_000 } });
    registry.addFault({ path, times: 1, action: { kind: 'status', status: 200, body: layer.toString('latin1') } });
    expect((await pull(registry)).layers).toEqual([digestOf(layer)]);
  });

  test('a document that breaks off is fetched again', async () => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [] });
    registry.addFault({ path: /manifests/, times: 1, action: { kind: 'cut', after: 10 } });
    registry.addFault({ path: /blobs/, times: 2, action: { kind: 'cut', after: 10 } });
    expect((await pull(registry)).image.manifest.layers).toEqual([]);
  });

  test('a connection that stalls counts as dead', async () => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [layer], gzip: false });
    const impatient = client({ stallMs: 100 });
    registry.addFault({ path: /manifests/, times: 1, action: { kind: 'stall', after: 0 } });
    registry.addFault({ path: new RegExp(digestOf(layer)), times: 1, action: { kind: 'stall', after: 1000 } });
    expect((await pull(registry, 'team/app:1', impatient)).layers).toEqual([digestOf(layer)]);
    registry.addFault({ path: new RegExp(digestOf(layer)), action: { kind: 'stall', after: 0 } });
    await expect(pull(registry, 'team/app:1', impatient)).rejects.toEqual(failing('TBUILD_REGISTRY', /stalled/));
  });

  test('a reader that is slower than the time allowed is no stall', async () => {
    const registry = await registryWith();
    const large = Buffer.alloc(20_000_000, 'x');
    const descriptor = { mediaType: mediaTypes.ociLayer, digest: registry.putBlob(large), size: large.length };
    const reference = parseReference(`${registry.host}/team/app`);
    let isFirst = true;
    let size = 0;
    for await (const chunk of client({ stallMs: 100 }).openBlob(reference, descriptor)) {
      if (isFirst) await new Promise((resolve) => setTimeout(resolve, 500));
      isFirst = false;
      size += chunk.length;
    }
    expect(size).toBe(large.length);
    expect(registry.requests).toHaveLength(1);
  });

  test('a slow but steady server is waited for', async () => {
    const registry = await registryWith();
    registry.putImage('team/app:1', { layers: [layer], gzip: false });
    registry.addFault({ path: new RegExp(digestOf(layer)), action: { kind: 'slow', bytes: 30_000, delayMs: 40 } });
    expect((await pull(registry, 'team/app:1', client({ stallMs: 200 }))).layers).toEqual([digestOf(layer)]);
  });
});

describe('a signal', () => {
  const reason = new Error('enough');

  test('that is aborted already stops before anything is sent', async () => {
    const registry = await registryWith();
    const signal = AbortSignal.abort(reason);
    const resolving = client().resolveImage(parseReference(`${registry.host}/a`), { platform, signal });
    await expect(resolving).rejects.toBe(reason);
    expect(registry.requests).toEqual([]);
  });

  test('ends a request, a wait between tries, and a body with its reason', async () => {
    for (const action of [
      { kind: 'stall', after: 10 },
      { kind: 'status', status: 503, headers: { 'retry-after': '60' } },
    ] as const) {
      const registry = await registryWith();
      registry.putImage('team/app:1', { layers: [] });
      registry.addFault({ path: /manifests/, action });
      const controller = new AbortController();
      const resolving = client().resolveImage(parseReference(`${registry.host}/team/app:1`), {
        platform,
        signal: controller.signal,
      });
      setTimeout(() => controller.abort(reason), 50);
      await expect(resolving).rejects.toBe(reason);
    }
  });

  test('ends a layer in the middle', async () => {
    const registry = await registryWith();
    const controller = new AbortController();
    const descriptor = { mediaType: mediaTypes.ociLayer, digest: registry.putBlob(layer), size: layer.length };
    registry.addFault({ path: /blobs/, action: { kind: 'stall', after: 1000 } });
    const blob = client().openBlob(parseReference(`${registry.host}/a`), descriptor, { signal: controller.signal });
    await expect(async () => {
      for await (const chunk of blob) if (chunk.length > 0) controller.abort(reason);
    }).rejects.toBe(reason);
  });
});

test('breaking off a layer closes its connection', async () => {
  const registry = await registryWith();
  const descriptor = { mediaType: mediaTypes.ociLayer, digest: registry.putBlob(layer), size: layer.length };
  registry.addFault({ path: /blobs/, action: { kind: 'stall', after: 1000 } });
  for await (const chunk of client().openBlob(parseReference(`${registry.host}/a`), descriptor))
    if (chunk.length > 0) break;
  expect(registry.requests).toHaveLength(1);
});

describe('what cannot be reached is named with its cause:', () => {
  test('a port where nothing listens', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const resolving = client().resolveImage(parseReference(`localhost:${port}/a`), { platform });
    await expect(resolving).rejects.toEqual(
      failing('TBUILD_REGISTRY', /localhost:\d+: connection refused \(ECONNREFUSED\)/),
    );
  });

  test('a host that does not exist', async () => {
    const resolving = client().resolveImage(parseReference('registry.invalid/a'), { platform });
    await expect(resolving).rejects.toEqual(failing('TBUILD_REGISTRY', /registry\.invalid: .*(ENOTFOUND|EAI_AGAIN)/));
  });
});

describe('over https', () => {
  let tls: { readonly key: string; readonly cert: string };
  beforeAll(() => {
    const directory = mkdtempSync(join(tmpdir(), 'tbuild-tls-'));
    const path = (name: string): string => join(directory, name);
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
    const files = ['-keyout', path('key'), '-out', path('cert')];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject, ...files],
      {
        stdio: 'pipe',
      },
    );
    tls = { key: readFileSync(path('key'), 'utf8'), cert: readFileSync(path('cert'), 'utf8') };
    rmSync(directory, { recursive: true });
  });

  test('an image is pulled, with tokens and redirects', async () => {
    const registry = await registryWith({ tls, auth: 'bearer', redirectBlobs: true });
    registry.putImage('team/app:1', { layers: [layer] });
    expect((await pull(registry, 'team/app:1', client({ ca: [tls.cert] }))).layers).toEqual([
      digestOf(gzipSync(layer)),
    ]);
  });

  test('a certificate that nobody vouches for is refused, on localhost too, with what to do', async () => {
    const registry = await registryWith({ tls });
    await expect(pull(registry)).rejects.toMatchObject({
      code: 'TBUILD_REGISTRY',
      message: expect.stringMatching(/certificate/i),
      hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
    expect(registry.requests).toEqual([]);
  });

  test('a redirect to plain http is refused', async () => {
    const registry = await registryWith({ tls });
    const plain = await registryWith();
    registry.addFault({
      path: /manifests/,
      action: { kind: 'redirect', location: `http://${plain.host}/v2/team/app/manifests/1` },
    });
    await expect(pull(registry, 'team/app:1', client({ ca: [tls.cert] }))).rejects.toEqual(
      failing('TBUILD_REGISTRY', /plain http/),
    );
    expect(plain.requests).toEqual([]);
  });

  test('a token service on plain http is refused', async () => {
    const registry = await registryWith({ tls });
    const plain = await registryWith();
    const challenge = { 'www-authenticate': `Bearer realm="http://${plain.host}/token"` };
    registry.putImage('team/app:1', { layers: [] });
    registry.addFault({ path: /manifests/, action: { kind: 'status', status: 401, headers: challenge } });
    await expect(pull(registry, 'team/app:1', client({ ca: [tls.cert] }))).rejects.toEqual(
      failing('TBUILD_REGISTRY', /not https/),
    );
    expect(plain.requests).toEqual([]);
  });
});
