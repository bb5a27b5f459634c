import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parsePlatform } from '../../../src/oci/platform.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { createRegistryClient } from '../../../src/registry/client.ts';
import { decompress } from '../../../src/tar/decompress.ts';
import { layerEntries } from '../../../src/tar/layer-entries.ts';
import { readTar } from '../../../src/tar/read-tar.ts';

const images = ['localhost:5000/busybox', 'localhost:5000/debian:trixie', 'localhost:5000/node:20'];
const reason = await missing();
if (reason !== undefined) process.stderr.write(`skipped: ${reason}\n`);

describe.skipIf(reason !== undefined)('from a registry that is not ours', () => {
  test.each(images)('%s is pulled, and every layer is unpacked and matches its diffID', async (name) => {
    using client = createRegistryClient();
    const reference = parseReference(name);
    const image = await client.resolveImage(reference, { platform: parsePlatform('linux/amd64') });
    let entries = 0;
    for (const [index, descriptor] of image.manifest.layers.entries()) {
      const hash = createHash('sha256');
      const hashed = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of decompress(client.openBlob(reference, descriptor))) {
          hash.update(chunk);
          yield chunk;
        }
      };
      for await (const entry of layerEntries(readTar(hashed()))) entries += entry.path === '' ? 0 : 1;
      expect(`sha256:${hash.digest('hex')}`).toBe(image.config.rootfs.diff_ids[index]);
    }
    expect(entries).toBeGreaterThan(5);
  });

  test('a tag that does not exist is not found', async () => {
    using client = createRegistryClient();
    const resolving = client.resolveImage(parseReference('localhost:5000/busybox:none'), {
      platform: parsePlatform('linux/amd64'),
    });
    await expect(resolving).rejects.toMatchObject({
      code: 'TBUILD_REGISTRY',
      message: expect.stringContaining('not found'),
    });
  });
});

async function missing(): Promise<string | undefined> {
  try {
    const response = await fetch('http://localhost:5000/v2/_catalog', { signal: AbortSignal.timeout(2000) });
    const { repositories } = (await response.json()) as { repositories?: string[] };
    const absent = ['busybox', 'debian', 'node'].filter((name) => repositories?.includes(name) !== true);
    return absent.length === 0 ? undefined : `the registry on localhost:5000 has no ${absent.join(', ')}`;
  } catch {
    return 'no registry answers on localhost:5000';
  }
}
