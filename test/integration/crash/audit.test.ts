import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  lutimesSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditStore } from '../../helpers/audit-store.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { overwrite } from '../../helpers/temp-store.ts';
import { openWorkshop } from '../../helpers/workshop.ts';

describe.skipIf(lacks('user-namespaces', 'overlay'))('the audit that the tests of crashes rely on', () => {
  it.each<readonly [string, RegExp, (diff: string) => void]>([
    ['a changed byte', /c\/f has another content/, (diff) => overwrite(join(diff, 'c/f'), Buffer.from('cOntent'))],
    ['a longer file', /c\/f/, (diff) => appendFileSync(join(diff, 'c/f'), 'more')],
    ['a changed mode', /c\/f: mode is 511/, (diff) => chmodSync(join(diff, 'c/f'), 0o777)],
    ['a changed time', /c\/f: mtime is 7/, (diff) => lutimesSync(join(diff, 'c/f'), 7, 7)],
    ['a file too many', /c\/g is not in the listing/, (diff) => copyFileSync(join(diff, 'c/f'), join(diff, 'c/g'))],
    ['a file too few', /c\/f/, (diff) => rmSync(join(diff, 'c/f'))],
    [
      'another link',
      /c\/l: link is elsewhere/,
      (diff) => (rmSync(join(diff, 'c/l')), symlinkSync('elsewhere', join(diff, 'c/l'))),
    ],
    [
      'another blob',
      /blob \S+ (has another content|does not match)/,
      (diff) => spoilBlob(join(diff, '../../../blobs/sha256')),
    ],
  ])('sees %s', async (_, complaint, spoil) => {
    await using shop = await openWorkshop();
    const { image } = await shop.build(
      shop.context({ Dockerfile: 'FROM base\nCOPY . /c/\n', f: 'content', l: { link: 'target' } }),
    );
    expect(await auditStore(shop.store)).toEqual([]);
    spoil(shop.store.diffDirectory(image.chain.at(-1)?.layer ?? ''));
    const wrong = await auditStore(shop.store).catch((error: unknown) => [String(error)]);
    expect(wrong.join('\n')).toMatch(complaint);
  });
});

function spoilBlob(directory: string): void {
  const [name = ''] = readdirSync(directory);
  rmSync(join(directory, name));
  writeFileSync(join(directory, name), 'spoilt');
}
