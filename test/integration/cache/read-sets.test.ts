import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';

/** A COPY, ADD or WORKDIR on two bases: reused on the second exactly when its outcome there would be the same. */
interface Case {
  readonly promise: string;
  readonly step: string;
  /** What makes the first and the second base, as RUN commands. */
  readonly first: string;
  readonly second: string;
  readonly reused: boolean;
}

const passwd = "sh -c 'echo bob:x:7:8::/:/bin/sh > /etc/passwd'";

const cases: readonly Case[] = [
  {
    promise: 'an unrelated file is no reason',
    step: 'COPY a /opt/',
    first: 'true',
    second: 'touch /other',
    reused: true,
  },
  {
    promise: 'a missing destination stays missing',
    step: 'COPY a /new/deep/',
    first: 'touch /x',
    second: 'touch /y',
    reused: true,
  },
  {
    promise: 'the destination exists only in the second base',
    step: 'COPY a /new/',
    first: 'true',
    second: 'mkdir /new',
    reused: false,
  },
  {
    promise: 'a parent exists only in the second base',
    step: 'COPY a /new/deep/',
    first: 'true',
    second: 'mkdir /new',
    reused: false,
  },
  {
    promise: 'the destination is a link in the second base',
    step: 'COPY a /d/',
    first: 'mkdir /d /e',
    second: 'sh -c "mkdir /e && ln -s /e /d"',
    reused: false,
  },
  {
    promise: 'a link leads elsewhere',
    step: 'COPY a /d/',
    first: 'sh -c "mkdir /e && ln -s /e /d"',
    second: 'sh -c "mkdir /f && ln -s /f /d"',
    reused: false,
  },
  {
    promise: 'a link that leads to the same place by the same text',
    step: 'COPY a /d/',
    first: 'sh -c "mkdir /e && ln -s /e /d"',
    second: 'sh -c "mkdir /e && ln -s /e /d && touch /e/more"',
    reused: true,
  },
  {
    promise: 'without slash, a directory takes the file under its name',
    step: 'COPY a /d',
    first: 'true',
    second: 'mkdir /d',
    reused: false,
  },
  {
    promise: 'an existing file is replaced: nobody looks at it',
    step: 'COPY a /d/',
    first: 'sh -c "mkdir /d && write 1 /d/a"',
    second: 'sh -c "mkdir /d && write 2 /d/a"',
    reused: true,
  },
  {
    promise: 'the mode of the destination is kept in the layer',
    step: 'COPY a /d/',
    first: 'mkdir /d',
    second: 'sh -c "mkdir /d && chmod 700 /d"',
    reused: false,
  },
  {
    promise: 'the owner of the destination is kept in the layer',
    step: 'COPY a /d/',
    first: 'mkdir /d',
    second: 'sh -c "mkdir /d && chown 5:5 /d"',
    reused: false,
  },
  {
    promise: 'the mode of a directory off the way is not',
    step: 'COPY a /d/',
    first: 'mkdir /d /e',
    second: 'sh -c "mkdir /d /e && chmod 700 /e"',
    reused: true,
  },
  {
    promise: 'a directory inside the destination with nothing of ours',
    step: 'COPY tree /d',
    first: 'mkdir /d',
    second: 'sh -c "mkdir /d && mkdir /d/other"',
    reused: true,
  },
  {
    promise: 'a directory merges with an existing one',
    step: 'COPY tree /d',
    first: 'mkdir /d',
    second: 'sh -c "mkdir /d && mkdir /d/sub"',
    reused: false,
  },
  {
    promise: 'deleted and made again, the parent is the same',
    step: 'COPY a /d/',
    first: 'mkdir /d',
    second: 'sh -c "mkdir /d && rm -r /d && mkdir /d"',
    reused: true,
  },
  { promise: 'a deleted parent is absent', step: 'COPY a /tmp/', first: 'true', second: 'rm -r /tmp', reused: false },
  {
    promise: '--chown by name reads the accounts',
    step: 'COPY --chown=bob a /opt/',
    first: passwd,
    second: `sh -c "${passwd.slice(7, -1).replace('7:8', '9:8')}"`,
    reused: false,
  },
  {
    promise: '--chown by number does not',
    step: 'COPY --chown=7:8 a /opt/',
    first: 'touch /x',
    second: passwd,
    reused: true,
  },
  {
    promise: '--link reads nothing',
    step: 'COPY --link a /d/',
    first: 'true',
    second: 'sh -c "mkdir /e && ln -s /e /d"',
    reused: true,
  },
  {
    promise: 'WORKDIR makes what is missing',
    step: 'WORKDIR /w/x',
    first: 'true',
    second: 'touch /other',
    reused: true,
  },
  { promise: 'WORKDIR finds it made', step: 'WORKDIR /w/x', first: 'true', second: 'mkdir /w', reused: false },
  {
    promise: 'ADD unpacks nothing here and copies as COPY',
    step: 'ADD a /d/',
    first: 'true',
    second: 'touch /other',
    reused: true,
  },
  {
    promise: 'the mode of the root is kept in the layer',
    step: 'COPY a /',
    first: 'true',
    second: 'chmod 700 /',
    reused: false,
  },
];

describe.skipIf(lacks('user-namespaces', 'overlay'))(
  'a step is reused exactly when its outcome would be the same',
  () => {
    let workshop: Workshop;
    beforeAll(async () => {
      workshop = await openWorkshop();
    });
    afterAll(async () => {
      await workshop[Symbol.asyncDispose]();
    });

    test.each(cases)('$step: $promise', async ({ step, first, second, reused }) => {
      const files = { a: 'content', 'tree/sub/b': 'b' };
      const dockerfile = (command: string): string => `FROM base\nRUN ${command}\n${step}\n`;
      const context = workshop.context({ ...files, Dockerfile: dockerfile(first), other: dockerfile(second) });
      // What earlier cases recorded for the same step must not serve here.
      const epoch = Math.floor(Math.random() * 1e9);
      await workshop.build(context, { sourceDateEpoch: epoch });
      const again = await workshop.build(context, { dockerfile: `${context}/other`, sourceDateEpoch: epoch });
      expect(again.outcomes[step]).toBe(reused ? 'cached' : 'executed');
      // Whatever was reused must be what an execution would give.
      const fresh = await workshop.build(context, {
        dockerfile: `${context}/other`,
        sourceDateEpoch: epoch,
        noCache: true,
      });
      expect(fresh.image.id).toBe(again.image.id);
    });

    test('the same layer twice, and empty layers, mount and build on', async () => {
      const context = workshop.context({
        a: 'content',
        Dockerfile: 'FROM base\nCOPY a /a\nRUN true\nWORKDIR /\nCOPY a /a\nRUN cat /a\nCOPY a /a\nRUN ["cat", "/a"]\n',
      });
      const { image, output } = await workshop.build(context);
      expect(output).toBe('contentcontent');
      const layers = image.chain.map(({ layer }) => layer);
      expect(new Set(layers).size).toBeLessThan(layers.length);
      expect((await workshop.run(image.id, ['cat', '/a'])).output).toBe('content');
    });
  },
);
