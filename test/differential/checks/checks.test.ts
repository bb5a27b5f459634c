import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../../src/checks/catalogue.ts';
import { formatPlatform, hostPlatform } from '../../../src/oci/platform.ts';
import { openShell } from '../../helpers/shell.ts';
import type { Shell } from '../../helpers/shell.ts';
import { readCases, readResult } from './case.ts';
import type { CheckCase, CheckResult } from './case.ts';

const fixtures = fileURLToPath(new URL('../../../fixtures/checks/', import.meta.url));
const cases = readCases(fixtures);
const docker = JSON.parse(readFileSync(join(fixtures, 'docker.json'), 'utf8')) as Readonly<Record<string, CheckResult>>;

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

async function checkWithTbuild({ context, dockerfile, args }: CheckCase): Promise<CheckResult> {
  const image = { name: 'base', platform: formatPlatform(hostPlatform()) };
  const given = args.map((arg) => arg.replace('{image}', image.name));
  const file = `--file=${join(context, basename(dockerfile))}`;
  const { status, stdout } = await shell.tbuild('build', '--call=check,format=json', file, ...given, context);
  return readResult(stdout, Number(status), image);
}

test('docker was asked about every case, and about no other', () => {
  expect(Object.keys(docker).toSorted()).toEqual(cases.map(({ name }) => name).toSorted());
});

test.each(catalogue)('$name: docker finds it in the bad example and nothing in the good one', ({ name }) => {
  expect(docker[`${name}/bad`]?.warnings.map(({ rule }) => rule)).toContain(name);
  expect(docker[`${name}/good`]).toMatchObject({ warnings: [], status: 0 });
});

describe('tbuild finds what docker finds, in the same lines and words', () => {
  test.each(cases)('$name', async (each) => {
    const expected = docker[each.name];
    if (expected === undefined) throw new TypeError(`docker was not asked about ${each.name}`);
    const found = await checkWithTbuild(each);
    expect(found.warnings).toEqual(expected.warnings);
    expect(found.status).toBe(expected.status);
    expect(found.error === undefined).toBe(expected.error === undefined);
  });
});
