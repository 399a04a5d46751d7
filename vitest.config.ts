import { defineConfig } from 'vitest/config';
import { findChromium } from './test/support/chromium.js';
import { findMysqlServer } from './test/support/mysql-server.js';
import { swaggerMetadata } from './test/support/swagger-plugin.js';
import { pathDirectories, which } from './test/support/which.js';

/**
 * The end-to-end suite runs once for each store. If no MySQL server is
 * installed, the MySQL half is left out with a warning; with REQUIRE_MYSQL=1,
 * as in CI, that is an error.
 */
function hasMysql(): boolean {
  if (process.env.TEST_MYSQL_URL || findMysqlServer()) return true;
  const what =
    'no MySQL server was found, so the MySQL half of the suite cannot run: ' +
    'install MariaDB or set TEST_MYSQL_URL=mysql://user:password@host:port/';
  if (process.env.REQUIRE_MYSQL === '1') {
    throw new Error(`REQUIRE_MYSQL=1, but ${what}`);
  }
  warn(what);
  return false;
}

/** At the start, and again at the end, below the results. */
function warn(what: string): void {
  const write = () => process.stderr.write(`!!! WARNING: ${what}\n`);
  write();
  process.once('exit', write);
}

/** The tests in a browser need Chromium: a warning, or an error with REQUIRE_CHROMIUM=1. */
function hasChromium(): boolean {
  if (findChromium()) return true;
  const what =
    'no Chromium was found, so the tests in a browser cannot run: ' +
    'install chromium or set CHROMIUM=/path/to/one';
  if (process.env.REQUIRE_CHROMIUM === '1') {
    throw new Error(`REQUIRE_CHROMIUM=1, but ${what}`);
  }
  warn(what);
  return false;
}

/** Some tests of processes run these programs, and are left out without them. */
const PROGRAMS = ['curl', 'python3', 'nginx', 'openssl', 'zsh'];
const directories = [...pathDirectories(), '/usr/sbin'];
const missing = PROGRAMS.filter((name) => !which([name], directories));
if (missing.length > 0) {
  warn(
    `${missing.join(', ')} not found, so the tests that run them are left out`,
  );
}

/**
 * Projects share these objects. `extends: true` would evaluate this file once
 * for each project, and with it build a TypeScript program each time.
 */
const plugins = [swaggerMetadata()];
const limits = { testTimeout: 120_000, hookTimeout: 120_000 };
/** Loading Nest and TypeORM again for each file takes as long as the tests. */
const shared = { ...limits, isolate: false };
const e2e = { ...shared, include: ['test/e2e/**/*.e2e-spec.ts'] };

/** Tests that type-check all of src, which takes 10 s: not part of `npm run check`. */
const typed = ['test/unit/one-door.spec.ts'];
const unit = {
  plugins,
  test: {
    ...shared,
    name: 'unit',
    include: ['{src,tools}/**/*.spec.ts', 'test/unit/**/*.spec.ts'],
    exclude: typed,
  },
};
const unitTyped = {
  test: { ...limits, name: 'unit:typed', include: typed },
};
const sqlite = {
  plugins,
  test: {
    ...e2e,
    name: 'e2e:sqlite',
    provide: { store: 'sqlite' as const },
    exclude: ['test/e2e/mysql/**'],
  },
};
const mysql = {
  plugins,
  test: {
    ...e2e,
    name: 'e2e:mysql',
    provide: { store: 'mysql' as const },
    exclude: ['test/e2e/sqlite/**'],
    globalSetup: 'test/support/mysql.global-setup.ts',
  },
};

/**
 * Process tests start the built service. They run after the other tests, which
 * keep all cores busy.
 */
const processes = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  sequence: { groupOrder: 1 },
  include: ['test/process/**/*.process-spec.ts'],
};
const build = 'test/support/build.global-setup.ts';
const processSqlite = {
  test: {
    ...processes,
    name: 'process:sqlite',
    provide: { store: 'sqlite' as const },
    globalSetup: build,
    exclude: ['test/process/migrate.process-spec.ts'],
  },
};
const processMysql = {
  test: {
    ...processes,
    name: 'process:mysql',
    provide: { store: 'mysql' as const },
    globalSetup: ['test/support/mysql.global-setup.ts', build],
    // These do not depend on the store.
    exclude: [
      'test/process/client-guide.process-spec.ts',
      'test/process/defaults.process-spec.ts',
      'test/process/help.process-spec.ts',
      'test/process/identity.process-spec.ts',
      'test/process/jest.process-spec.ts',
      'test/process/load-cli.process-spec.ts',
      'test/process/log-reader.process-spec.ts',
      'test/process/early-responses.process-spec.ts',
      'test/process/nginx.process-spec.ts',
      'test/process/npm.process-spec.ts',
      'test/process/production.process-spec.ts',
      'test/process/rate-limit.process-spec.ts',
      'test/process/readme.process-spec.ts',
      'test/process/sqlite-file.process-spec.ts',
      'test/process/upgrade.process-spec.ts',
      'test/process/upgrade-requests.process-spec.ts',
      'test/process/upgrade-runs.process-spec.ts',
    ],
  },
};
const browser = {
  test: {
    ...processes,
    name: 'browser',
    globalSetup: build,
    include: ['test/browser/**/*.browser-spec.ts'],
  },
};

export default defineConfig({
  test: {
    // The default leaves one core free, so on two cores files would run one by
    // one; most of them wait for a database.
    maxWorkers: '100%',
    projects: [
      unit,
      unitTyped,
      sqlite,
      processSqlite,
      ...(hasMysql() ? [mysql, processMysql] : []),
      ...(hasChromium() ? [browser] : []),
    ],
    coverage: {
      include: ['src/**/*.ts'],
      exclude: ['src/client/openapi/**'],
      reporter: ['json-summary', 'html'],
    },
  },
});
