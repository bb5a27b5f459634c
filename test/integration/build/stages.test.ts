import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../helpers/capabilities.ts';
import { openWorkshop } from '../../helpers/workshop.ts';
import type { Workshop } from '../../helpers/workshop.ts';
import { buildImage, directory, file } from './image-tree.ts';

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

describe.skipIf(lacks('user-namespaces', 'overlay'))('stages', () => {
  const dockerfile = [
    'FROM base AS builder',
    'RUN write /made builder',
    'FROM builder AS tests',
    'RUN false',
    'FROM base AS docs',
    'RUN write /docs d',
    'FROM scratch AS final',
    'COPY --from=builder /made /',
    'FROM docs AS last',
  ].join('\n');

  test('that the target does not need are not built, and are no steps', async () => {
    const { built, at } = await buildImage(workshop, dockerfile, {}, { target: 'final' });
    expect(at('made')).toBe(file('builder'));
    expect(Object.keys(built.outcomes)).toEqual([
      'FROM scratch AS final',
      'FROM base AS builder',
      'RUN write /made builder',
      'COPY --from=builder /made /',
    ]);
    const [graph] = built.events;
    expect(graph).toMatchObject({ type: 'graph', steps: { length: 4 } });
  });

  test('the last one is the target, a name is not case-sensitive, and a number counts from 0', async () => {
    expect((await buildImage(workshop, dockerfile)).at('docs')).toBe(file('d'));
    expect((await buildImage(workshop, dockerfile, {}, { target: 'BUILDER' })).at('made')).toBe(file('builder'));
    expect((await buildImage(workshop, dockerfile, {}, { target: '3' })).at('made')).toBe(file('builder'));
  });

  test('a failing stage that the target needs fails the build', async () => {
    const building = buildImage(workshop, dockerfile, {}, { target: 'tests' });
    await expect(building).rejects.toMatchObject({ code: 'TBUILD_RUN_FAILED' });
  });

  test('that do not need each other run at the same time', async () => {
    const { built } = await buildImage(
      workshop,
      [
        'FROM base AS one',
        'RUN echo begin && sleep 1 && echo end && write /one 1',
        'FROM base AS two',
        'RUN echo begin && sleep 1 && echo end && write /two 2',
        'FROM scratch',
        'COPY --from=one /one /',
        'COPY --from=two /two /',
      ].join('\n'),
    );
    expect(built.output.trim().split('\n')).toEqual(['begin', 'begin', 'end', 'end']);
  });

  test('CMD of a base goes when a later stage sets ENTRYPOINT, unless it was set there too', async () => {
    const base = 'FROM base AS first\nENTRYPOINT ["/e"]\nCMD ["c"]\nFROM first\n';
    expect((await buildImage(workshop, `${base}ENTRYPOINT ["/other"]`)).config.config?.['Cmd']).toBeUndefined();
    const both = await buildImage(workshop, `${base}CMD ["d"]\nENTRYPOINT /shell form`);
    expect(both.config.config).toMatchObject({ Cmd: ['d'], Entrypoint: ['/bin/sh', '-c', '/shell form'] });
  });

  test('ONBUILD of a base runs directly behind FROM, once', async () => {
    const { config, lines } = await buildImage(
      workshop,
      [
        'FROM base AS first',
        'ONBUILD COPY one /triggered/',
        'ONBUILD RUN write /triggered/run $PATH',
        'FROM first AS second',
        'RUN mv /triggered/run /moved',
        'FROM second',
        'ONBUILD LABEL later=1',
      ].join('\n'),
      { one: '1' },
    );
    expect(lines('triggered/one', 'triggered/run', 'moved')).toEqual({
      'triggered/one': file('1'),
      'triggered/run': undefined,
      moved: file('/bin'),
    });
    expect(config.config?.['OnBuild']).toEqual(['LABEL later=1']);
  });

  describe('ONBUILD of a base image that copies from a stage of the file', () => {
    beforeAll(async () => {
      const dockerfile = 'FROM base\nONBUILD COPY --from=src /file /got\n';
      await workshop.build(workshop.context({ Dockerfile: dockerfile }), { tags: ['with-copy'] });
    });

    test('builds that stage, and what it stands on, though nothing else needs it', async () => {
      const { lines, built } = await buildImage(
        workshop,
        [
          'FROM base AS below',
          'RUN write /file below',
          'FROM below AS src',
          'RUN write /more more',
          'FROM base AS unused',
          'RUN write /unused x',
          'FROM with-copy',
          'RUN cat /got',
        ].join('\n'),
      );
      expect(lines('got', 'more')).toEqual({ got: file('below'), more: undefined });
      expect(built.outcomes).toMatchObject({ 'RUN write /file below': 'executed', 'FROM with-copy': 'base' });
      expect(Object.keys(built.outcomes)).not.toContain('RUN write /unused x');
      const numbers = built.events.flatMap((event) => (event.type === 'step:start' ? [event.step.number] : []));
      expect(new Set(numbers).size).toBe(6);
    });

    test.each([
      ['a later stage', 'FROM with-copy AS one\nFROM base AS src\nFROM one\n'],
      ['itself', 'FROM with-copy AS src\n'],
    ])('is refused where that is %s', async (_, Dockerfile) => {
      await expect(workshop.build(workshop.context({ Dockerfile }))).rejects.toMatchObject({
        code: 'TBUILD_STAGE_NOT_FOUND',
        message: expect.stringMatching(/^cannot copy from stage "src", it needs to be defined before/) as string,
      });
    });
  });

  test('a named context replaces a stage, which is then not built', async () => {
    const { lines } = await buildImage(
      workshop,
      ['FROM base AS made', 'RUN false', 'FROM base', 'COPY --from=made /f /'].join('\n'),
      {},
      { buildContexts: { made: workshop.context({ f: 'given' }) } },
    );
    expect(lines('f')).toEqual({ f: file('given') });
  });
});

describe.skipIf(lacks('user-namespaces', 'overlay'))('WORKDIR', () => {
  test('makes what is missing for the user of the stage, and follows symlinks', async () => {
    const image = await buildImage(
      workshop,
      [
        "RUN echo 'app:x:1001:1002::/:/bin/sh' > /etc/passwd && mkdir /shut && chmod 700 /shut && ln -s /shut /link",
        'WORKDIR /shut',
        'WORKDIR made/below',
        'WORKDIR ../beside',
        'WORKDIR /link/through',
        'USER app',
        'WORKDIR /of/app',
        'USER 7',
        'WORKDIR /of/seven',
        'USER app:8',
        'WORKDIR eight',
      ].join('\n'),
    );
    expect(
      image.lines(
        'shut',
        'shut/made/below',
        'shut/made/beside',
        'shut/through',
        'of',
        'of/app',
        'of/seven',
        'of/seven/eight',
      ),
    ).toEqual({
      shut: directory('700'),
      'shut/made/below': directory(),
      'shut/made/beside': directory(),
      'shut/through': directory(),
      of: directory('755', '1001:1002'),
      'of/app': directory('755', '1001:1002'),
      'of/seven': directory('755', '7:7'),
      'of/seven/eight': directory('755', '1001:8'),
    });
    expect(image.config.config?.['WorkingDir']).toBe('/of/seven/eight');
  });

  test('is a layer even where there is nothing to make, but not for the root', async () => {
    const { config } = await buildImage(workshop, 'WORKDIR /etc\nWORKDIR /\nWORKDIR relative');
    const told = (config.history ?? []).slice(1);
    expect(told.map(({ created_by, empty_layer }) => [created_by, empty_layer === true])).toEqual([
      ['WORKDIR /etc', false],
      ['WORKDIR /', true],
      ['WORKDIR /relative', false],
    ]);
    expect(config.rootfs.diff_ids).toHaveLength(3);
  });

  test('onto a file is an error', async () => {
    const building = buildImage(workshop, 'RUN write /file x\nWORKDIR /file');
    await expect(building).rejects.toMatchObject({ code: 'TBUILD_COPY' });
  });
});
