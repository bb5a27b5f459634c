import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lacks } from '../helpers/capabilities.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';

/** A file called `.wh.x` deletes `x` for whoever unpacks the layer's tar, so none ever gets into a layer. */
describe.skipIf(lacks('user-namespaces', 'overlay'))(
  'a name that would delete another file in an exported image',
  () => {
    let shop: Workshop;
    beforeAll(async () => {
      shop = await openWorkshop();
    });
    afterAll(async () => {
      await closeWorkshop(shop);
    });

    it.each([
      { made: 'by RUN, a file', step: 'RUN touch /bin/.wh.sh', code: 'TBUILD_LAYER' },
      { made: 'by RUN, an opaque mark', step: 'RUN touch /bin/.wh..wh..opq', code: 'TBUILD_LAYER' },
      { made: 'by RUN, a directory', step: 'RUN mkdir /.wh.bin', code: 'TBUILD_LAYER' },
      { made: 'by RUN, a symlink deep down', step: 'RUN mkdir -p /a/b && ln -s x /a/b/.wh.c', code: 'TBUILD_LAYER' },
      { made: 'by RUN, below another one', step: 'RUN mkdir -p /.wh.a/.wh.b', code: 'TBUILD_LAYER' },
      { made: 'by COPY, in the context', step: 'COPY tree/ /bin/', code: 'TBUILD_COPY' },
      { made: 'by COPY, as the destination', step: 'COPY plain /bin/.wh.sh', code: 'TBUILD_COPY' },
      { made: 'by COPY, on the way', step: 'COPY plain /.wh.bin/plain', code: 'TBUILD_LAYER' },
      { made: 'by ADD, on the way', step: 'ADD plain /.wh.bin/', code: 'TBUILD_LAYER' },
      { made: 'by WORKDIR', step: 'WORKDIR /.wh.bin', code: 'TBUILD_LAYER' },
      { made: 'by RUN in a working directory', step: 'RUN cd / && mkdir .wh.bin', code: 'TBUILD_LAYER' },
    ])('is refused: made $made', async ({ step, code }) => {
      const context = shop.context({ Dockerfile: `FROM base\n${step}\n`, plain: 'x', 'tree/.wh.sh': 'x' });
      await expect(shop.build(context)).rejects.toMatchObject({
        code,
        message: expect.stringContaining('.wh.') as string,
      });
    });

    it('may be there while a command runs', async () => {
      const context = shop.context({ Dockerfile: 'FROM base\nRUN touch /.wh.x && rm /.wh.x\n' });
      expect((await shop.build(context)).executed).toBe(1);
    });

    it('is no name that merely holds the letters', async () => {
      const files = { 'tree/a.wh.b': 'x', 'tree/.whiteout': 'x', 'tree/.wh': 'x' };
      const context = shop.context({ Dockerfile: 'FROM base\nCOPY tree/ /d/\nRUN touch /x.wh.y /d/wh.z\n', ...files });
      expect((await shop.build(context)).executed).toBe(2);
    });
  },
);
