/**
 * `npx tsx test/bench/migrations.ts`: how long each migration takes on a database
 * of a million sessions and five million messages, and its revert, and for how
 * long a write waits meanwhile. Writers append all the time. Ends with status 1
 * if a write waited for more than a second, or failed; a revert on SQLite is not
 * held to that. Needs MariaDB; takes some minutes and 5 GB of disk.
 * `--sessions N` makes less, `--store sqlite` or `--store mysql` measures one
 * store only.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import 'reflect-metadata';
import type { DataSource, Logger, MigrationInterface } from 'typeorm';
import { parseDatabaseConfig } from '../../src/app/config/parse-config.js';
import { createDataSource } from '../../src/app/database/data-source.js';
import {
  mysqlMigrations,
  sqliteMigrations,
} from '../../src/chat-sessions/store/migrations/migrations.js';
import { isContention } from '../../src/database/errors.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { startMysqlServer } from '../support/mysql-server.js';
import { fill, MESSAGES_PER_SESSION } from './migration-data.js';
import type { WriterFigures } from './migration-writers.js';
import { MARIADB_SETTINGS } from './stage.js';

type Store = 'mysql' | 'sqlite';
type Migration = new () => MigrationInterface;

/** The migrations of the version that the data is filled with. */
const BEFORE = 2;
const LIMIT_MS = 1_000;
/** Writers run for this long before and after each migration. */
const MARGIN_MS = 1_000;
const RETRY_PAUSE_MS = 50;
/** Characters of a statement that are printed. */
const SHOWN = 100;
const WRITERS = join(import.meta.dirname, 'migration-writers.ts');

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000000' },
    store: { type: 'string' },
  },
});
const sessions = Number(values.sessions);

/** The statements that change the schema. */
const changes: string[] = [];
const ignore = () => undefined;
const logger: Logger = {
  logQuery: (sql) => {
    const statement = sql.trim().replace(/\s+/g, ' ');
    if (/^(ALTER|CREATE|DROP)/.test(statement)) changes.push(statement);
  },
  logQueryError: ignore,
  logQuerySlow: ignore,
  logSchemaBuild: ignore,
  logMigration: ignore,
  log: ignore,
};

/** A data source that knows only some migrations. */
async function open(url: string, migrations: Migration[]): Promise<DataSource> {
  const config = parseDatabaseConfig({ DATABASE_URL: url });
  const dataSource = await createDataSource(config);
  return dataSource.setOptions({ migrations, logger }).initialize();
}

/**
 * Runs what changes the schema. On SQLite it may have to wait for writers, like a
 * start of the service. Resolves to the number of instant ALTERs.
 */
async function change(
  url: string,
  migrations: Migration[],
  work: (dataSource: DataSource) => Promise<unknown>,
): Promise<number> {
  for (;;) {
    const dataSource = await open(url, migrations);
    try {
      const before = await instantAlters(dataSource);
      await work(dataSource);
      return (await instantAlters(dataSource)) - before;
    } catch (error) {
      if (!isContention(error)) throw error;
      await sleep(RETRY_PAUSE_MS);
    } finally {
      await dataSource.destroy();
    }
  }
}

/** How many ALTERs the server has done without touching a row. SQLite does not count them. */
async function instantAlters(dataSource: DataSource): Promise<number> {
  if (dataSource.options.type === 'better-sqlite3') return NaN;
  const [row] = await dataSource.query<{ Value: string }[]>(
    "SHOW GLOBAL STATUS LIKE 'Innodb_instant_alter_column'",
  );
  return Number(row?.Value);
}

async function figuresOf(writers: ChildProcess): Promise<WriterFigures> {
  const reply = once(writers, 'message');
  writers.send('report');
  const [figures] = (await reply) as [WriterFigures];
  return figures;
}

interface Step {
  name: string;
  limitMs: number;
}

/** Runs a step beside the writers, and prints what it took. */
async function measure(
  writers: ChildProcess,
  { name, limitMs }: Step,
  work: () => Promise<number>,
): Promise<void> {
  await figuresOf(writers);
  await sleep(MARGIN_MS);
  const before = await figuresOf(writers);
  changes.length = 0;
  const start = performance.now();
  const instant = await work();
  const milliseconds = performance.now() - start;
  await sleep(MARGIN_MS);
  const { writes, longestMs, errors } = await figuresOf(writers);
  console.log(
    `  ${name}: ${milliseconds.toFixed(0)} ms; ${writes} writes meanwhile and in the second after, the longest ${longestMs.toFixed(0)} ms (in the second before ${before.longestMs.toFixed(0)} ms)`,
  );
  for (const one of new Set(changes)) {
    const [, algorithm] = /ALGORITHM ?= ?(\w+)/.exec(one) ?? [];
    const asked = algorithm ? `asks for ${algorithm}` : 'asks for no algorithm';
    console.log(`    ${asked}: ${one.slice(0, SHOWN)}`);
  }
  if (instant >= 0) console.log(`    instant ALTERs: ${instant}`);
  for (const error of new Set(errors)) console.log(`    failed: ${error}`);
  if (longestMs > limitMs || errors.length > 0) process.exitCode = 1;
}

async function run(store: Store, url: string): Promise<void> {
  const all = store === 'mysql' ? mysqlMigrations : sqliteMigrations;
  const start = performance.now();
  const old = await open(url, all.slice(0, BEFORE));
  await old.runMigrations();
  const runner = old.createQueryRunner();
  if (store === 'mysql') {
    await runner.query(
      'SET SESSION sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0',
    );
  }
  await fill(runner, store, sessions);
  await runner.release();
  await old.destroy();
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${store}: ${sessions} sessions, ${sessions * MESSAGES_PER_SESSION} messages, filled in ${seconds.toFixed(0)} s`,
  );
  const writers = fork(WRITERS, [url, String(sessions)], {
    execArgv: ['--import', 'tsx'],
  });
  try {
    for (let count = BEFORE + 1; count <= all.length; count++) {
      const some = all.slice(0, count);
      const step = { name: `up ${some.at(-1)!.name}`, limitMs: LIMIT_MS };
      await measure(writers, step, () =>
        change(url, some, (dataSource) => dataSource.runMigrations()),
      );
    }
    for (let count = all.length; count > BEFORE; count--) {
      const some = all.slice(0, count);
      // SQLite rewrites a table to drop a column.
      const limitMs = store === 'sqlite' ? Infinity : LIMIT_MS;
      const step = { name: `down ${some.at(-1)!.name}`, limitMs };
      await measure(writers, step, () =>
        change(url, some, (dataSource) => dataSource.undoLastMigration()),
      );
    }
  } finally {
    if (writers.connected) writers.disconnect();
    await once(writers, 'exit');
  }
}

async function onMysql(): Promise<void> {
  const server = await startMysqlServer({
    durable: true,
    options: MARIADB_SETTINGS,
  });
  try {
    await run('mysql', (await createMysqlDatabase(server.url)).url);
  } finally {
    await server.stop();
  }
}

async function onSqlite(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    await run('sqlite', `sqlite:${join(directory, 'chat.sqlite')}`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

if (values.store !== 'sqlite') await onMysql();
if (values.store !== 'mysql') await onSqlite();
