import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readCases } from './case.ts';

// fixtures/differential/rows.json: what the language is made of, and the cases that show each of it.
const project = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = join(project, 'fixtures/differential');
const rows = JSON.parse(readFileSync(join(fixtures, 'rows.json'), 'utf8')) as Record<
  string,
  Record<string, readonly string[]>
>;
const cases = new Map(
  Object.values(readCases(fixtures))
    .flat()
    .map((each) => [each.name, each]),
);

function exists(name: string): boolean {
  const [, where, rest = ''] = /^(compare|test):(.*)$/.exec(name) ?? [];
  if (where === 'compare') return existsSync(join(project, 'fixtures/compare', rest, 'Dockerfile'));
  if (where === 'test') return existsSync(join(project, 'test', rest));
  return cases.has(name);
}

describe.each(Object.entries(rows))('%s', (_, section) => {
  test.each(Object.entries(section))('%s', (__, names) => {
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !exists(name))).toEqual([]);
  });
});

const written = [
  ...Array.from(cases.values(), ({ dockerfile }) => dockerfile),
  ...readdirSync(join(project, 'fixtures/compare'))
    .map((name) => join(project, 'fixtures/compare', name, 'Dockerfile'))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8')),
].join('\n');

const flags: Readonly<Record<string, readonly string[]>> = {
  FROM: ['platform'],
  RUN: ['mount', 'network', 'security', 'device'],
  COPY: ['from', 'chown', 'chmod', 'link', 'exclude'],
  ADD: ['chown', 'chmod', 'link', 'exclude', 'checksum', 'keep-git-dir', 'unpack'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'],
};

test.each(Object.entries(flags).flatMap(([keyword, names]) => names.map((name) => [keyword, name] as const)))(
  'docker was asked about %s --%s',
  (keyword, name) => {
    expect(written).toMatch(new RegExp(`^(ONBUILD )?${keyword} .*--${name}\\b`, 'm'));
  },
);

const others = 'ARG CMD ENTRYPOINT ENV EXPOSE LABEL MAINTAINER SHELL STOPSIGNAL USER VOLUME WORKDIR';

test.each(others.split(' '))('docker was asked about %s, and about it as a trigger', (keyword) => {
  expect(written).toMatch(new RegExp(`^${keyword} `, 'm'));
  expect(written).toMatch(new RegExp(`^ONBUILD ${keyword} `, 'm'));
});

test.each([':-', '-', ':+', '+', ':?', '?', '#', '##', '%', '%%', '/', '//'])(
  'docker was asked about ${v%sw}',
  (modifier) => {
    expect(written).toMatch(new RegExp(`\\$\\{[A-Z]+${modifier.replaceAll(/[?+/]/g, '\\$&')}[^-:+?#%/]`));
  },
);
