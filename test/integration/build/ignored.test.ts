import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BuildEvent, BuildOptions } from '../../../src/index.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

const tree = { 'a.no': '', 'b.txt': '', 's/q': '', 's/t/q': '', 'e/f': '' };

/** What is said of sources that were ignored, in a build and in the next one, which is cached. */
async function said(copy: string, rules: string, options: Partial<BuildOptions> = {}): Promise<readonly string[]> {
  const context = workshop.context({
    ...tree,
    '.dockerignore': rules,
    Dockerfile: `FROM scratch\n${copy}\nLABEL a=b\n`,
  });
  const warnings = (events: readonly BuildEvent[]): readonly string[] =>
    events.flatMap((event) =>
      event.type === 'warning' && event.code === 'TBUILD_WARN_IGNORED_SOURCE' ? [event.message] : [],
    );
  const first = await workshop.build(context, options);
  const again = await workshop.build(context, options);
  expect(again.outcomes[copy]).toBe('cached');
  expect(warnings(again.events)).toEqual(warnings(first.events));
  return warnings(again.events);
}

describe('a source that takes nothing because all of it is ignored is told of, with the line, in every build', () => {
  test.each([
    ['COPY *.no /x/', '# no\n*.no', ['"*.no" matches nothing: a.no is excluded by .dockerignore line 2 (*.no)']],
    ['COPY *.no *.txt /x/', 'a*', ['"*.no" matches nothing: a.no is excluded by .dockerignore line 1 (a*)']],
    ['COPY s/*/q /x/', '**/q\n', ['"s/*/q" matches nothing: s/t/q is excluded by .dockerignore line 1 (**/q)']],
    ['COPY s /x/', '**/q\n', ['"s" has no file to copy: s/q is excluded by .dockerignore line 1 (**/q)']],
    ['COPY s e /x/', 's/**', ['"s" has no file to copy: s/q is excluded by .dockerignore line 1 (s/**)']],
    ['ADD s /x/', 's/*\n!s/t\ns/t/q', ['"s" has no file to copy: s/q is excluded by .dockerignore line 1 (s/*)']],
  ])('%s with %j', async (copy, rules, messages) => {
    expect(await said(copy, rules)).toEqual(messages);
  });

  test.each([
    ['COPY *.no /x/', 'b.txt'],
    ['COPY *.nothing /x/', '*.no'],
    ['COPY s /x/', 's/q'],
    ['COPY s /x/', 's\n!s/t/q'],
    ['COPY . /x/', '*\n!b.txt'],
    ['COPY --exclude=q s /x/', '*.no'],
  ])('%s with %j is no such source', async (copy, rules) => {
    expect(await said(copy, rules)).toEqual([]);
  });

  test('a directory that is empty is none either', async () => {
    const context = workshop.context({ d: null, '.dockerignore': 'x', Dockerfile: 'FROM scratch\nCOPY d /d/\n' });
    const { events } = await workshop.build(context);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  });

  test('in a named context too, by its own rules', async () => {
    const named = workshop.context({ ...tree, '.dockerignore': '*.no' });
    rmSync(join(named, 'b.txt'));
    expect(await said('COPY --from=n *.no /x/', '', { buildContexts: { n: named } })).toEqual([
      '"*.no" matches nothing: a.no is excluded by .dockerignore line 1 (*.no)',
    ]);
  });
});

describe('a source that is ignored is an error with the line that decides', () => {
  test.each([
    ['COPY a.no /x', '# a comment\n\n  a.no  ', 'a.no is excluded by .dockerignore line 3 (a.no)'],
    ['COPY s/t /x', 's\n!s/nope', 's is excluded by .dockerignore line 1 (s)'],
    ['COPY s /x', '!s\n*', 's is excluded by .dockerignore line 2 (*)'],
    ['COPY s/t/q /x', 's\n!s/t\ns/t/*', 's/t/q is excluded by .dockerignore line 3 (s/t/*)'],
    ['COPY s/*/q /x', 's', 's is excluded by .dockerignore line 1 (s)'],
    ['ADD b.txt /x', '**/*.txt', 'b.txt is excluded by .dockerignore line 1 (**/*.txt)'],
  ])('%s with %j', async (copy, rules, why) => {
    await expect(said(copy, rules)).rejects.toMatchObject({
      code: 'TBUILD_SOURCE_NOT_FOUND',
      message: expect.stringMatching(/ is not in the build context: /) as string,
      span: { line: 2 },
    });
    await expect(said(copy, rules)).rejects.toThrow(why);
  });
});
