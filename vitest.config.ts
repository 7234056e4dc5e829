import { configDefaults, defineConfig } from 'vitest/config';
import { awaitedFolders } from './test/conformance/versions.ts';

/** Four kinds of tests: pure ones (milliseconds), scenarios (transcripts), contracts (real and simulated ports), systems (real processes). */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          include: [
            'test/core/**/*.test.ts',
            'test/runtime/**/*.test.ts',
            'test/fuzz/**/*.test.ts',
            'test/profile/**/*.test.ts',
            'test/base/**/*.test.ts',
            'test/wire/**/*.test.ts',
            'test/conformance/**/*.test.ts',
            'test/simulator/**/*.test.ts',
            'test/explorer/**/*.test.ts',
            'test/project/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, ...awaitedFolders.map((folder) => `${folder}**`)],
          testTimeout: 20_000,
        },
      },
      { test: { name: 'scenarios', include: ['test/scenarios/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
    maxWorkers: 2,
    reporters: ['default', './test/summary.ts'],
  },
});
