// Formats the C and C++ sources with clang-format; with `--check` it only says which are not. Without the program nothing is checked, unless TBUILD_TEST_REQUIRE=all (as in CI).
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = ['addon/src', 'fixtures/rootfs'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => /\.(c|cc|h)$/.test(name))
    .map((name) => join(folder, name)),
);
const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const { error, status } = spawnSync('clang-format', [...mode, ...files], { cwd: root, stdio: 'inherit' });
if (error?.code === 'ENOENT' && process.env.TBUILD_TEST_REQUIRE !== 'all') {
  console.log('skipped: no clang-format on PATH, C and C++ sources are not looked at');
} else {
  if (error !== undefined) console.error(`clang-format: ${error.message}`);
  process.exitCode = status ?? 1;
}
