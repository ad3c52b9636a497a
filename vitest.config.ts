// A named project per layer: unit and property need nothing, integration opens loopback sockets and SQLite
// files, cli runs the built program, e2e wants real servers installed.
import { defineConfig } from 'vitest/config';

const layer = (name: string, testTimeout: number, fileParallelism = true) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    setupFiles: ['test/support/loopback-only.ts'],
    testTimeout,
    hookTimeout: testTimeout,
    fileParallelism,
  },
});

export default defineConfig({
  test: {
    projects: [
      layer('unit', 10_000),
      layer('property', 120_000),
      layer('integration', 30_000),
      layer('cli', 120_000, false),
      layer('e2e', 300_000, false),
    ],
  },
});
