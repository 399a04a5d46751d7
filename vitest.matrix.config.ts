import { defineConfig } from 'vitest/config';

const build = 'test/support/build.global-setup.ts';
const matrix = {
  include: ['test/matrix/**/*.matrix-spec.ts'],
  fileParallelism: false,
  testTimeout: 300_000,
  hookTimeout: 900_000,
};

/** The module on all versions that it supports: `npm run test:matrix`. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...matrix,
          name: 'matrix:sqlite',
          provide: { store: 'sqlite' as const },
          globalSetup: build,
        },
      },
      {
        test: {
          ...matrix,
          name: 'matrix:mysql',
          provide: { store: 'mysql' as const },
          globalSetup: ['test/support/mysql.global-setup.ts', build],
        },
      },
    ],
  },
});
