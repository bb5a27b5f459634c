import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { expandInstruction } from '../../../src/dockerfile/expand-instruction.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { parseInstruction, triggerKinds } from '../../../src/dockerfile/parse-instruction.ts';
import { applyInstruction } from '../../../src/image/apply-instruction.ts';
import type { BuildArguments } from '../../../src/image/created-by.ts';
import { draftFromImage, draftFromStage, onbuildTriggers, visibleVariables } from '../../../src/image/draft.ts';
import type { ImageDraft } from '../../../src/image/draft.ts';
import { parseImageConfig } from '../../../src/oci/config.ts';
import type { ImageConfig } from '../../../src/oci/config.ts';
import { readTar } from '../../../src/tar/read-tar.ts';
import { lacks, peersProgram } from '../../helpers/capabilities.ts';
import { writeArchive } from '../../../src/tar/archive-writer.ts';
import { run } from './workbench.ts';

const base = 'localhost:5000/busybox';

const dockerfiles: Readonly<Record<string, string>> = {
  'every instruction': `FROM ${base}
ARG FOO=bar
ARG NOVAL
ENV A=1 B="two words" PATH=/x:$PATH
LABEL l1=v1 "l 2"="v 2" q="a \\"b\\""
MAINTAINER Joe <joe@x>
RUN echo hi && \\
    echo there
RUN ["/bin/echo", "a b", "$FOO"]
WORKDIR /app/
WORKDIR sub
WORKDIR ..
COPY f1 f2 dest/
COPY --chown=1:2 --chmod=644 f1 /c
COPY --link f? /lnk/
ADD f1 /d
EXPOSE 80 443/TCP 53/udp 9000-9002 80
USER 1000:1000
VOLUME /data /b/
VOLUME ["/v1", "/v 2"]
STOPSIGNAL sigterm
HEALTHCHECK --interval=5s --timeout=1500ms --retries=10 --start-period=1m30s --start-interval=2h CMD wget -q "x"
CMD echo hello
SHELL ["/bin/ash", "-ec"]
ENTRYPOINT e $HOME
CMD ["x\\ty", "é<>&"]
ONBUILD RUN   echo  trig
ONBUILD COPY . /o
ENV FOO=env
ARG FOO=again
USER root
RUN echo late $FOO
LABEL last=$FOO
ENV FOO=last
RUN echo $FOO
ARG FOO
LABEL last2=$FOO
HEALTHCHECK NONE`,
  'a chain of stages': `FROM ${base} AS a
CMD ["a"]
ARG X=1
ONBUILD ENV O=$X
FROM a AS b
ENTRYPOINT ["e"]
FROM b
ARG Y=2
ENTRYPOINT []
RUN echo $X`,
};

const context = { f1: '1\n', f2: '2\n' };

describe.skipIf(lacks('peers'))('config and history', () => {
  test.each(Object.entries(dockerfiles))('of %s are what docker build makes', async (_, text) => {
    const files = Object.entries({ ...context, Dockerfile: text }).map(
      ([path, content]) =>
        ({
          path,
          type: 'file',
          mode: 0o644,
          mtime: 0,
          size: Buffer.byteLength(content),
          content: Buffer.from(content),
        }) as const,
    );
    const input = await buffer(Readable.from(writeArchive(files)));
    const id = run(peersProgram, ['docker', 'build', '--network=host', '-q', '-'], { input }).toString().trim();
    try {
      const docker = await savedConfig(id);
      run(peersProgram, ['docker', 'pull', '-q', base]);
      const ours = draftOf(text, await savedConfig(base));
      expect(ours.config).toEqual(docker.config);
      expect(ours.author).toEqual(docker.author);
      const shown = (history: ImageConfig['history']): readonly unknown[] =>
        (history ?? []).map((entry) => [entry.created_by, entry.empty_layer, entry.comment]);
      expect(shown(ours.history)).toEqual(shown(docker.history));
    } finally {
      run(peersProgram, ['docker', 'rmi', '-f', id]);
    }
  });
});

async function savedConfig(image: string): Promise<ImageConfig> {
  const files = new Map<string, Buffer>();
  for await (const { path, size, content } of readTar(Readable.from([run(peersProgram, ['docker', 'save', image])]))) {
    if (size < 100_000) files.set(path, await buffer(Readable.from(content)));
  }
  const [{ Config: name }] = JSON.parse(files.get('manifest.json')?.toString() ?? '') as [{ Config: string }];
  return parseImageConfig(files.get(name) ?? Buffer.alloc(0));
}

function draftOf(text: string, baseConfig: ImageConfig): ImageDraft {
  const stages = new Map<string, { draft: ImageDraft; args: BuildArguments }>();
  let last: { draft: ImageDraft; args: BuildArguments } | undefined;
  for (const stage of parseDockerfile(text, 'Dockerfile').stages) {
    const below = stages.get(stage.image);
    const triggers = below === undefined ? [] : onbuildTriggers(below.draft);
    let draft = below === undefined ? draftFromImage(baseConfig) : draftFromStage(below.draft);
    let args = below?.args ?? [];
    const first = triggers.map((trigger) => parseInstruction(trigger, { file: 'ONBUILD', allowed: triggerKinds }));
    for (const instruction of [...first, ...stage.instructions]) {
      const expanded = expandInstruction(instruction, visibleVariables(draft), '\\');
      if (expanded.kind === 'arg') args = [...args, ...expanded.args];
      const before = draft.config.WorkingDir;
      draft = applyInstruction(draft, expanded, { args, madeLayer: false });
      const isRoot = expanded.kind === 'workdir' && draft.config.WorkingDir === '/' && before !== undefined;
      if (!['run', 'copy', 'add', 'workdir'].includes(expanded.kind) || isRoot) continue;
      const entry = draft.history.at(-1);
      const { empty_layer: _, ...layer } = entry ?? {};
      draft = { ...draft, history: [...draft.history.slice(0, -1), layer] };
    }
    last = { draft, args };
    if (stage.name !== undefined) stages.set(stage.name, last);
  }
  if (last === undefined) throw new Error('no stage');
  return last.draft;
}
