import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import type { Tree } from '../helpers/tree.ts';
import { closeWorkshop } from './leftovers.ts';
import { plantCanary, secret } from './canary.ts';
import { writeFileSync } from 'node:fs';

const isRoot = process.getuid?.() === 0;
/** Whether commands can be others than root here. */
const hasUsers = isRoot || !lacks('id-ranges');
const root = 'root:x:0:0::/root:/bin/sh\n';

describe.skipIf(lacks('user-namespaces', 'overlay'))('the account files of an image', () => {
  let shop: Workshop;
  beforeAll(async () => {
    shop = await openWorkshop();
  });
  afterAll(() => closeWorkshop(shop));

  const buildWith = (passwd: string, lines: string, files: Tree = {}) =>
    shop.build(
      shop.context({
        Dockerfile: `FROM base\nCOPY etc/ /etc/\n${lines}\n`,
        'etc/passwd': passwd,
        'etc/group': 'root:x:0:\n',
        ...files,
      }),
    );

  it.runIf(hasUsers)('give no user called like a number the place of that number', async () => {
    const passwd = `1000:x:0:0::/:/bin/sh\n0:x:1001:1001::/:/bin/sh\n${root}`;
    const thousand = await buildWith(passwd, 'USER 1000\nRUN id > /dev/stderr');
    expect(thousand.output).toMatch(/uid=1000\b/);
    const zero = await buildWith(passwd, 'USER 0\nRUN id > /dev/stderr');
    expect(zero.output).toMatch(/uid=0\b/);
  });

  it.each([
    ['4294967296', 'USER 4294967296'],
    ['4294967295', 'USER 4294967295'],
    ['2147483648', 'USER 2147483648'],
    ['-1', 'USER -1'],
    ['a group of 4294967295', 'USER 0:4294967295'],
    ['a name whose uid is 2^32', 'USER wraps'],
    ['a name whose uid is empty', 'USER empty'],
    ['a name whose uid is -1', 'USER minus'],
    ['a name whose uid is in another base', 'USER hex'],
    ['a name with a NUL', 'USER ro\0ot'],
    ['a name with a newline from a variable', 'ENV U="x\\nroot"\nUSER ${U}'],
    ['a name that nobody has', 'USER nobody-at-all'],
    ['a name with a slash', 'USER ../../etc/passwd'],
  ])('make nobody root by an overflow or a typo: %s is refused', async (_title, lines) => {
    const passwd = `wraps:x:4294967296:0::/:\nempty:x::0::/:\nminus:x:-1:0::/:\nhex:x:0x0:0::/:\n${root}`;
    await expect(buildWith(passwd, `${lines}\nRUN true`)).rejects.toMatchObject({
      code: expect.stringMatching(/^TBUILD_(USER_NOT_FOUND|DOCKERFILE_SYNTAX)$/) as string,
    });
  });

  it.each(['4294967295', '4294967296', '2147483648', '-1', 'wraps', '0:4294967295'])(
    'give nobody a file by an overflow: --chown=%s is refused',
    async (owner) => {
      const passwd = `wraps:x:4294967296:0::/:\n${root}`;
      const copying = buildWith(passwd, `COPY --chown=${owner} etc/passwd /copy`);
      await expect(copying).rejects.toMatchObject({
        code: expect.stringMatching(/^TBUILD_(USER_NOT_FOUND|DOCKERFILE_SYNTAX)$/) as string,
      });
    },
  );

  it('are never read from outside of the image, wherever their symlinks lead', async () => {
    using canary = plantCanary();
    writeFileSync(join(canary.directory, 'accounts'), 'canary:x:0:0::/canary:/bin/sh\n');
    for (const link of [`${canary.directory}/accounts`, `${canary.climbing}/accounts`, '/proc/self/root/etc/passwd']) {
      const context = shop.context({
        Dockerfile: 'FROM base\nRUN rm /etc/passwd\nCOPY etc/ /etc/\nUSER canary\nRUN true\n',
        'etc/passwd': { link },
      });
      await expect(shop.build(context)).rejects.toMatchObject({ code: 'TBUILD_USER_NOT_FOUND' });
    }
  });

  it('may be a loop of symlinks, a directory or absent, and then know nobody', async () => {
    const replacements = ['ln -s passwd /etc/passwd', 'mkdir /etc/passwd', 'true'];
    for (const replacement of replacements) {
      const context = shop.context({
        Dockerfile: `FROM base\nRUN rm /etc/passwd && ${replacement}\nUSER someone\nRUN true\n`,
      });
      await expect(shop.build(context)).rejects.toMatchObject({
        code: expect.stringMatching(/^TBUILD_(USER_NOT_FOUND|COPY)$/) as string,
      });
    }
  });

  it('of 9 MB are refused, not read', async () => {
    const huge = `${'x'.repeat(99)}\n`.repeat(90_000);
    await expect(buildWith(huge, 'USER someone\nRUN true')).rejects.toMatchObject({
      code: 'TBUILD_IO',
      message: expect.stringContaining('etc/passwd') as string,
    });
  });

  it('of one line of millions of members, or of binary rubbish, only cost a moment', async () => {
    const rubbish = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * 7919) % 256));
    const files = { 'etc/group': `g:x:5:${','.repeat(7_000_000)}\n`, 'etc/rubbish': rubbish };
    const started = Date.now();
    await buildWith(root, 'USER root\nRUN true', files);
    await buildWith(rubbish.toString('latin1'), 'USER 0\nRUN true');
    expect(Date.now() - started).toBeLessThan(30_000);
  });

  it('put no NUL and no second variable into the environment by a home directory', async () => {
    const built = await buildWith('root:x:0:0::/a\u0001LD_PRELOAD=/evil:/bin/sh\n', 'RUN env');
    expect(built.output.split('\n').filter((line) => line.startsWith('LD_PRELOAD'))).toEqual([]);
    const nul = buildWith('root:x:0:0::/a\0LD_PRELOAD=/evil:/bin/sh\n', 'RUN env');
    const output = await nul.then(
      (done) => done.output,
      (error: unknown) => String((error as { code?: unknown }).code),
    );
    expect(output).toMatch(/^TBUILD_|HOME=/);
    expect(output.split(/[\n\0]/).filter((line) => line.startsWith('LD_PRELOAD'))).toEqual([]);
    expect(output).not.toContain(secret);
  });
});
