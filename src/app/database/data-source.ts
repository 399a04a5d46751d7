import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, Migration } from 'typeorm';
import { sqliteDataSource } from '../../chat-sessions/sqlite-data-source.js';
import { isContention, isInterrupted } from '../../database/errors.js';
import { reasonOf } from '../../errors/describe-error.js';
import { DatabaseConfig } from '../config/config.js';

const SQLITE_SCHEME = 'sqlite:';
const IN_MEMORY = ':memory:';
/** Longest time that a start waits for other processes on the same SQLite file. */
const SQLITE_TURN_MS = 30_000;
/** Pause between two attempts to reach a database that is down. */
const RETRY_PAUSE_MS = 500;

/** Loaded on demand, so that a start on SQLite does not load mysql2. */
const loadMysql = () => import('./mysql-data-source.js');

interface OpenedStore {
  dataSource: DataSource;
  /** The migrations that were pending. */
  migrations: Migration[];
}

/** Connects a data source and makes sure that its schema is up to date. */
export async function openDataSource(
  settings: DatabaseConfig,
): Promise<DataSource> {
  return (await openStore(settings)).dataSource;
}

/** Runs the pending migrations. Resolves to their names. */
export async function migrate(settings: DatabaseConfig): Promise<string[]> {
  const { dataSource, migrations } = await openStore(
    Object.assign(new DatabaseConfig(), settings, { DATABASE_MIGRATE: true }),
  );
  await dataSource.destroy();
  return migrations.map(({ name }) => name);
}

async function openStore(settings: DatabaseConfig): Promise<OpenedStore> {
  if (settings.DATABASE_URL.startsWith(SQLITE_SCHEME)) {
    return openSqlite(settings);
  }
  const dataSource = await connect(settings);
  try {
    if (settings.DATABASE_MIGRATE) {
      const { migrateMysql } = await loadMysql();
      return {
        dataSource,
        migrations: await migrateMysql(dataSource, settings),
      };
    }
    if (await dataSource.showMigrations()) {
      throw new Error(
        'its schema is out of date: run "npm run migration:run", or set DATABASE_MIGRATE=true',
      );
    }
    return { dataSource, migrations: [] };
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

/** The kind and the place of the store, without the password. */
export function describeStore({
  DATABASE_URL: url,
}: Pick<DatabaseConfig, 'DATABASE_URL'>): string {
  const file = url.startsWith(SQLITE_SCHEME)
    ? url.slice(SQLITE_SCHEME.length)
    : undefined;
  if (file === undefined) return url.replace(/\/\/.*@/, '//');
  return file === IN_MEMORY
    ? 'SQLite in memory, lost at the end'
    : `SQLite in the file ${resolve(file)}`;
}

/** Opens a file, and migrates it. Processes that start together on a new file do so in turn. */
async function openSqlite(settings: DatabaseConfig): Promise<OpenedStore> {
  const until = performance.now() + SQLITE_TURN_MS;
  for (;;) {
    const dataSource = await createDataSource(settings);
    try {
      await dataSource.initialize();
      return { dataSource, migrations: await dataSource.runMigrations() };
    } catch (cause) {
      if (dataSource.isInitialized) await dataSource.destroy();
      if (!isOthersTurn(cause) || performance.now() >= until) {
        throw new Error(`Cannot open DATABASE_URL: ${reasonOf(cause)}`, {
          cause,
        });
      }
      await sleep(RETRY_PAUSE_MS * Math.random());
    }
  }
}

/** Whether another process has the file, or has just made what a migration makes. */
function isOthersTurn(error: unknown): boolean {
  return (
    isContention(error) ||
    /already exists|duplicate column name|locking protocol/.test(
      reasonOf(error),
    )
  );
}

async function connect(settings: DatabaseConfig): Promise<DataSource> {
  const until = performance.now() + settings.DATABASE_WAIT_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await (await createDataSource(settings)).initialize();
    } catch (cause) {
      const reason = `Cannot open DATABASE_URL: ${reasonOf(cause)}`;
      if (!isDown(cause) || performance.now() >= until) {
        throw new Error(reason, { cause });
      }
      if (attempt === 1) {
        const seconds = settings.DATABASE_WAIT_MS / 1000;
        console.error(
          `Chat Sessions: ${reason}; waiting for up to ${seconds} s`,
        );
      }
      await sleep(RETRY_PAUSE_MS);
    }
  }
}

/** Whether a server cannot be reached, or takes no connection for now, unlike one that refuses the account. */
function isDown(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isDown);
  if (isInterrupted(error)) return true;
  const { code } = error as { code?: unknown };
  return (
    typeof code === 'string' &&
    (/^E(?!R_)/.test(code) || code === 'PROTOCOL_CONNECTION_LOST')
  );
}

/** A data source that is not connected yet. A MySQL server must be up: it is asked for its version. */
export async function createDataSource(
  settings: DatabaseConfig,
): Promise<DataSource> {
  const { DATABASE_URL: url } = settings;
  if (url.startsWith(SQLITE_SCHEME)) {
    return sqliteDataSource(url.slice(SQLITE_SCHEME.length));
  }
  const { mysqlDataSource } = await loadMysql();
  return mysqlDataSource(settings);
}
