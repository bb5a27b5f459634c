import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageHistory } from '../../../src/index.ts';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file } from './image-tree.ts';

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

const lines = (...text: readonly string[]): string => `${text.join('\n')}\n`;

describe('heredocs of COPY and ADD', () => {
  test('are files of their names, written behind what else is copied, root and 0644 unless flags say otherwise', async () => {
    const { lines: at } = await buildImage(
      workshop,
      lines(
        'ENV V=value',
        'COPY <<one /renamed',
        'a $V "$V" \\$V',
        'one',
        'COPY <<two f <<-"three" /d/',
        '$V',
        'two',
        '\t$V',
        '\tthree',
        'COPY --chown=1:2 --chmod=4750 <<four /e/deep/',
        'four',
        'ADD <<f <<empty /d',
        'over',
        'f',
        'empty',
        'WORKDIR /w',
        'COPY --link <<"l.conf" .',
        'l',
        'l.conf',
      ),
      { f: 'from the context' },
    );
    expect(at('renamed', 'd', 'd/two', 'd/f', 'd/three', 'd/empty', 'e', 'e/deep', 'e/deep/four', 'w/l.conf')).toEqual({
      renamed: file('a value "value" $V\n'),
      d: directory(),
      'd/two': file('value\n'),
      'd/f': file('over\n'),
      'd/three': file('$V\n'),
      'd/empty': file(''),
      e: directory('750', '1:2'),
      'e/deep': directory('750', '1:2'),
      'e/deep/four': file('', '4750', '1:2'),
      'w/l.conf': file('l\n'),
    });
  });

  test('do not need the build context', async () => {
    const context = workshop.context({ Dockerfile: 'FROM scratch\nCOPY <<a /a\na\n', '.dockerignore': '[' });
    await expect(workshop.build(context)).resolves.toMatchObject({ executed: 1 });
  });

  test('keep bytes that are not UTF-8 where they are not expanded', async () => {
    const context = workshop.context({});
    writeFileSync(
      join(context, 'Dockerfile'),
      Buffer.from('FROM scratch\nCOPY <<"a" <<b /\n\xe9\na\n\xe9\nb\n', 'latin1'),
    );
    const { lines: at } = await buildImage(workshop, '', context);
    expect(at('a', 'b')).toEqual({ a: file(Buffer.from([0xe9, 0x0a])), b: file('\ufffd\n') });
  });

  test('of several of one name the last is what all hold', async () => {
    const { lines: at } = await buildImage(workshop, lines('COPY <<a <<a /', '1', 'a', '2', 'a'));
    expect(at('a')).toEqual({ a: file('2\n') });
  });

  test('are in the key, expanded, and in the cause', async () => {
    const dockerfile = (body: string): string => lines('FROM scratch', 'ARG A', 'COPY <<a f /d/', body, 'a');
    const context = workshop.context({ f: 'f', Dockerfile: dockerfile('1 $A') });
    const step = 'COPY <<a f /d/';
    const build = (A: string): ReturnType<Workshop['build']> => workshop.build(context, { buildArgs: { A } });
    expect((await build('x')).outcomes[step]).toBe('executed');
    expect((await build('x')).outcomes[step]).toBe('cached');
    const other = await build('y');
    expect(other.outcomes[step]).toBe('executed');
    expect(other.causes[step]).toMatchObject({
      kind: 'files',
      origin: 'the build context and the Dockerfile',
      changes: { content: ['<<a'], added: [], removed: [] },
    });
    expect((await build('x')).outcomes[step]).toBe('cached');
    writeFileSync(join(context, 'Dockerfile'), dockerfile('2 $A'));
    expect((await build('x')).outcomes[step]).toBe('executed');
    writeFileSync(join(context, 'f'), 'g');
    expect((await build('x')).causes[step]).toMatchObject({ changes: { content: ['f'] } });
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('heredocs of RUN', () => {
  test('are the script of the shell, of SHELL, or of the program that #! names', async () => {
    const {
      lines: at,
      below,
      built,
    } = await buildImage(
      workshop,
      lines(
        'FROM base',
        'ARG A=1',
        'RUN <<EOF',
        'write /first $A',
        '',
        'write /second "two words"',
        'EOF',
        'RUN <<-run',
        '#!/bin/cat /dev/null',
        '\tnot a command',
        '\trun',
        'SHELL ["/bin/echo", "shell:"]',
        'RUN <<"EOF"',
        '$A',
        'EOF',
      ),
    );
    expect(at('first', 'second')).toEqual({ first: file('1'), second: file('two words') });
    expect(built.output).toContain('shell: $A\n');
    expect(built.output).toContain('not a command\n');
    expect(below('dev')).toEqual([]);
    const history = await imageHistory(workshop.store, built.image.id);
    expect(history.slice(0, 4).map(({ createdBy }) => createdBy)).toEqual([
      'RUN |1 A=1 /bin/echo shell: $A\n # buildkit',
      'SHELL [/bin/echo shell:]',
      'RUN |1 A=1 /bin/sh -c /dev/pipes/run # buildkit',
      'RUN |1 A=1 /bin/sh -c write /first $A\n\nwrite /second "two words"\n # buildkit',
    ]);
  });

  test('a script is mounted read-only, root and 0755, for its command alone', async () => {
    const { built } = await buildImage(
      workshop,
      lines('USER 12:34', 'SHELL ["/bin/stat"]', 'RUN <<s', '#!', 's', 'SHELL ["/bin/ls"]', 'RUN /dev'),
    );
    expect(built.output).toMatch(/^. 755 0:0 .*\/dev\/pipes\/s$/m);
    expect(built.output).not.toMatch(/^pipes$/m);
    for (const program of ['/bin/touch', '/bin/rm']) {
      const writing = buildImage(workshop, lines(`SHELL ["${program}"]`, 'RUN <<s', '#!', 's'));
      await expect(writing).rejects.toMatchObject({
        details: { output: expect.stringMatching(/read-only/i) as string },
      });
    }
  });

  test('are in the key', async () => {
    const script = (text: string): string => lines('FROM base', 'RUN <<s', '#!/bin/cat', text, 's');
    const context = workshop.context({ Dockerfile: script('1') });
    const step = 'RUN <<s (#!/bin/cat...)';
    expect((await workshop.build(context)).outcomes[step]).toBe('executed');
    expect((await workshop.build(context)).outcomes[step]).toBe('cached');
    writeFileSync(join(context, 'Dockerfile'), script('2'));
    expect((await workshop.build(context)).causes[step]).toEqual({
      kind: 'instruction',
      before: 'RUN /dev/pipes/s\n#!/bin/cat\n1\n',
      after: 'RUN /dev/pipes/s\n#!/bin/cat\n2\n',
    });
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('heredocs of ONBUILD', () => {
  test('fire in the stage that stands on it, with its variables', async () => {
    const base = lines(
      'FROM base',
      'ENV V=base',
      'ONBUILD COPY <<a <<-"b" /x/',
      '$V',
      'a',
      '\t$V',
      '\tb',
      'ONBUILD RUN <<s',
      'write /ran $V',
      's',
      'ONBUILD RUN <<p',
      '#!/bin/cat',
      'from a script',
      'p',
    );
    await workshop.build(workshop.context({ Dockerfile: base }), { tags: ['with-heredocs'] });
    const context = workshop.context({ Dockerfile: 'FROM with-heredocs\n' });
    const { lines: at, built } = await buildImage(workshop, '', context);
    expect(at('x/a', 'x/b', 'ran')).toEqual({ 'x/a': file('base\n'), 'x/b': file('$V\n'), ran: file('base') });
    expect(built.output).toContain('from a script\n');
  });
});
