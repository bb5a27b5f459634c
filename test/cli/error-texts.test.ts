import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/errors/', import.meta.url));

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

// What people see is written out whole, and was read beside what docker prints. After a change: `npx vitest … -u`, and read it again.
describe('what is wrong is said as in fixtures/errors', () => {
  test.each(readdirSync(fixtures))('%s', async (name) => {
    const context = shell.context({});
    cpSync(join(fixtures, name), context, { recursive: true });
    const extra = join(context, 'arguments');
    const argv = existsSync(extra) ? readFileSync(extra, 'utf8').split('\n').filter(Boolean) : [];
    for (const path of ['arguments', 'expected.txt']) rmSync(join(context, path), { force: true });
    const { status, stderr } = await shell.tbuild('-q', ...argv, context);
    expect(status).toBe(1);
    const text = stderr.replaceAll(`${context}/`, '').replaceAll(context, 'CONTEXT');
    expect(text).toMatch(/^ERROR: .*\(TBUILD_[A-Z_]+\)\n$/s);
    expect(text).not.toMatch(/^ +at .*[.]ts/m);
    expect(text).toMatch(/^> +\d+ \| /m);
    await expect(text).toMatchFileSnapshot(join(fixtures, name, 'expected.txt'));
  });
});
