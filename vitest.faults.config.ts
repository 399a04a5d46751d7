import { defineConfig } from 'vitest/config';

/** Fault tests run one by one: each needs the whole machine. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.faults-spec.ts'],
    globalSetup: 'test/support/build.global-setup.ts',
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 900_000,
  },
});
