import { defineConfig } from 'vitest/config';

/** Faults, one after the other: each has the machine for itself. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.faults-spec.ts'],
    globalSetup: 'test/support/build.global-setup.ts',
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 900_000,
  },
});
