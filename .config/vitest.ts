import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { ViteUserConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const seeded = [fileURLToPath(new URL('../test/helpers/seed.ts', import.meta.url))];
const bundled = [fileURLToPath(new URL('bundle-once.ts', import.meta.url))];

const config: ViteUserConfig = defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        test: {
          name: 'unit',
          setupFiles: seeded,
          include: ['test/unit/**/*.test.ts', 'test/architecture.test.ts', 'test/docs.test.ts'],
        },
      },
      {
        root,
        test: {
          name: 'integration',
          setupFiles: seeded,
          include: ['test/{integration,hostile,cli,differential}/**/*.test.ts', 'test/package.test.ts'],
          globalSetup: bundled,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        root,
        test: { name: 'native', setupFiles: seeded, include: ['test/native/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        root,
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, only: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
        },
      },
    ],
  },
});

export default config;
