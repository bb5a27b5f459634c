import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownRules } from '../../src/checks/own-rules.ts';
import { lacks } from '../helpers/capabilities.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/own-checks/', import.meta.url));

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
  await shell.sh('tbuild tag base node:20 && tbuild tag base debian:trixie');
  cpSync(fixtures, join(shell.directory, 'examples'), { recursive: true });
});
afterAll(() => shell[Symbol.dispose]());

describe.skipIf(lacks('user-namespaces'))('the rules that docker does not have', () => {
  // Its good example names an image by a digest that no store of a test has.
  const examples = ownRules.filter(({ name }) => name !== 'BaseWithoutDigest');

  test.each(examples)('$name: --check reports the bad example and passes the good one', async ({ name }) => {
    const context = join(shell.directory, 'examples', name);
    const bad = await shell.tbuild('--check', '--format=json', '-f', join(context, 'bad.Dockerfile'), context);
    const { warnings } = JSON.parse(bad.stdout) as { warnings: { ruleName: string; url?: string; detail: string }[] };
    expect(new Set(warnings.map(({ ruleName }) => ruleName))).toEqual(new Set([name]));
    expect(bad.status).toBe(1);
    expect(await shell.tbuild('--check', '-f', join(context, 'good.Dockerfile'), context)).toMatchObject({
      status: 0,
      stdout: 'Check complete, no warnings found.\n',
    });
  });

  test('a finding has a reason and a remedy, and no page of docker', async () => {
    const context = join(shell.directory, 'examples/SecretInCopiedFile');
    const { stdout } = await shell.tbuild('--check', '-f', join(context, 'bad.Dockerfile'), context);
    expect(stdout).toContain('\nWARNING: SecretInCopiedFile\n"COPY server.js .env ./" takes .env (line 1 looks like');
    expect(stdout).toMatch(/^why: Whoever has the image can read/m);
    expect(stdout).toMatch(/^fix: Add the file to \.dockerignore/m);
    expect(stdout).not.toContain('of-nothing');
  });

  test('--check=strict asks more', async () => {
    const context = shell.context({ Dockerfile: 'FROM base\nENV A=1\n' });
    expect((await shell.tbuild('--check', context)).status).toBe(0);
    const strict = await shell.tbuild('--check=strict', context);
    expect(strict.status).toBe(1);
    expect(strict.stdout).toContain('WARNING: BaseWithoutDigest\nbase has no digest');
    expect((await shell.tbuild('--call=check', '--check=strict', context)).status).toBe(1);
    expect((await shell.tbuild('--check=strict', '--check', context)).status).toBe(0);
  });

  test('--check takes no other word', async () => {
    const { status, stderr } = await shell.tbuild('--check=stricter', '.');
    expect(status).toBe(125);
    expect(stderr).toContain('--check');
  });

  test('are left out as docker’s are', async () => {
    const dockerfile = 'FROM base\n# check=skip=CopyBeforeInstall // one copy will do\nCOPY . .\nRUN npm ci\n';
    const context = shell.context({
      Dockerfile: `# check=skip=PackageCacheInLayer\n${dockerfile}`,
      'package.json': '{}',
    });
    expect(await shell.tbuild('--check', context)).toMatchObject({ status: 0 });
  });

  test('fail no build, whatever the Dockerfile says of errors', async () => {
    const context = shell.context({ Dockerfile: '# check=error=true\nFROM base\nCOPY . /x\n', '.env': 'A=1' });
    expect((await shell.tbuild('--check', context)).status).toBe(1);
    expect(await shell.tbuild('-q', context)).toMatchObject({ status: 0, stderr: '' });
  });
});
