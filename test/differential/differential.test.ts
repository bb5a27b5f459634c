import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isTbuildError } from '../../src/index.ts';
import { loadImage } from '../compare/image.ts';
import type { LoadedImage } from '../compare/image.ts';
import { lacks } from '../helpers/capabilities.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { readCases } from './case.ts';
import type { DifferentialCase } from './case.ts';
import { describeImage } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { serveContexts } from './serve.ts';
import type { ServedContexts } from './serve.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/differential/', import.meta.url));
const topics = readCases(fixtures);

let workshop: Workshop;
let served: ServedContexts;
let base: LoadedImage;
beforeAll(async () => {
  workshop = await openWorkshop();
  served = await serveContexts();
  base = await built({ dockerfile: 'FROM base\n', files: {}, context: 'directory', named: {} });
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

let archives = 0;

async function built(
  given: Pick<DifferentialCase, 'dockerfile' | 'files' | 'context' | 'named'> & Partial<DifferentialCase>,
): Promise<LoadedImage> {
  const { buildArgs, labels, secrets: values = {}, target, file } = given;
  const secrets = Object.fromEntries(Object.entries(values).map(([id, value]) => [id, { value }]));
  const here = workshop.context({});
  const { context, named } = served.give(given, here);
  const destination = join(workshop.directory, `${archives++}.tar`);
  const dockerfile = file === undefined || given.context !== 'directory' ? file : join(here, file);
  const outputs = [{ type: 'oci', destination }] as const;
  await workshop.build(context, { buildArgs, labels, secrets, target, dockerfile, buildContexts: named, outputs });
  return loadImage(destination);
}

async function outcomeOf(each: DifferentialCase): Promise<Outcome> {
  try {
    return describeImage(await built(each), base);
  } catch (error) {
    if (isTbuildError(error)) return { refused: error.code };
    throw error;
  }
}

describe.skipIf(lacks('user-namespaces', 'overlay'))('as docker build made it', () => {
  describe.each(Object.entries(topics))('%s', (topic, cases) => {
    const path = join(fixtures, `${topic}.json`);
    const recorded = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Outcome>) : {};

    test('every case has its result and every result its case, each name once', () => {
      expect(cases.map(({ name }) => name)).toEqual(Object.keys(recorded));
    });

    test.each(cases.map((each) => [each.name, each] as const))('%s', async (name, each) => {
      const docker = recorded[name];
      const ours = await outcomeOf(each);
      if (each.differs !== undefined) {
        expect(ours).not.toEqual(docker);
        expect('refused' in ours ? ours.refused : 'built').toBe(each.differs.outcome);
      } else if (docker !== undefined && 'refused' in docker) {
        expect(ours, `docker refuses: ${docker.refused}`).toEqual({ refused: expect.stringMatching(/^TBUILD_/) });
      } else {
        expect(ours).toEqual(docker);
      }
    });
  });

  test('what differs on purpose is little', () => {
    const differing = Object.values(topics).flatMap((cases) => cases.filter(({ differs }) => differs !== undefined));
    expect(differing.length).toBeLessThan(5);
  });
});
