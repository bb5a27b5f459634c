import { expect, test } from 'vitest';
import { findCopySource } from '../../../src/dockerfile/find-stage.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { resolveStages } from '../../../src/dockerfile/stages.ts';
import { formatGraph, planGraph } from '../../../src/graph/plan.ts';

function graphOf(text: string, target?: string): string {
  const dockerfile = parseDockerfile(text, 'Dockerfile');
  const resolved = resolveStages(dockerfile, {
    buildArgs: new Map(),
    platform: { os: 'linux', architecture: 'amd64' },
    target,
  });
  const needed = resolved.stages.filter(({ stage }) => resolved.reachable.includes(stage.index));
  return formatGraph(planGraph(needed, (name, span) => findCopySource(resolved.names, name, span)));
}

const stages = `FROM base AS one
RUN a
FROM base AS unused
RUN b
FROM one AS two
COPY --from=one /x /x
FROM scratch
COPY --from=two /x /x
COPY --from=other /y /y
`;

test('steps are numbered over the stages that are needed, and know whose result they read', () => {
  expect(graphOf(stages)).toBe(`1/7 0.0 : FROM base AS one
2/7 0.1 <- 0.0 : RUN a
3/7 2.0 <- 0.1 : FROM one AS two
4/7 2.1 <- 2.0 0.1 : COPY --from=one /x /x
5/7 3.0 : FROM scratch
6/7 3.1 <- 3.0 2.1 : COPY --from=two /x /x
7/7 3.2 <- 3.1 : COPY --from=other /y /y
`);
});

test('a target leaves later stages out', () => {
  expect(graphOf(stages, 'one')).toBe('1/2 0.0 : FROM base AS one\n2/2 0.1 <- 0.0 : RUN a\n');
});
