import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outlineCall } from '../../src/cli/calls/outline.ts';
import { targetsCall } from '../../src/cli/calls/targets.ts';
import type { CallMethod } from '../../src/cli/calls/call.ts';
import { isTbuildError } from '../../src/index.ts';
import { lacks } from '../helpers/capabilities.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { comparable } from './call-outcome.ts';
import type { CallOutcome, CallResult } from './call-outcome.ts';
import { readCases } from './case.ts';
import type { DifferentialCase } from './case.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/calls/', import.meta.url));
const { calls = [] } = readCases(fixtures);
const recorded = JSON.parse(readFileSync(join(fixtures, 'calls.json'), 'utf8')) as Record<string, CallOutcome>;

let workshop: Workshop;
beforeAll(async () => {
  workshop = await openWorkshop();
});
afterAll(() => workshop[Symbol.asyncDispose]());

async function answer(method: CallMethod, { dockerfile, buildArgs, target }: DifferentialCase): Promise<CallResult> {
  const { store } = workshop;
  const options = { context: workshop.context({ Dockerfile: dockerfile }), store, buildArgs, target };
  try {
    const { text } = await method(options, 'text');
    const json = await method(options, 'json');
    return { text: text.split('\n'), json: JSON.parse(json.text) as Record<string, unknown> };
  } catch (error) {
    if (isTbuildError(error)) return { refused: error.code };
    throw error;
  }
}

// The base image is imported, which takes a helper with ids of its own.
describe.skipIf(lacks('user-namespaces'))('as docker buildx build --call answers', () => {
  test('every case has its result and every result its case, each name once', () => {
    expect(calls.map(({ name }) => name)).toEqual(Object.keys(recorded));
  });

  describe.each([
    ['outline', outlineCall],
    ['targets', targetsCall],
  ] as const)('%s', (kind, method) => {
    test.each(calls.map((each) => [each.name, each] as const))('%s', async (name, each) => {
      const docker = recorded[name]?.[kind] ?? { refused: 'not recorded' };
      const ours = await answer(method, each);
      if ('refused' in docker) expect(ours, docker.refused).toEqual({ refused: expect.stringMatching(/^TBUILD_/) });
      else expect(comparable(ours)).toEqual(comparable(docker));
    });
  });
});
