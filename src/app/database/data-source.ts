import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { sqliteDataSource } from '../../chat-sessions/sqlite-data-source.js';
import { reasonOf } from '../../errors/describe-error.js';
import type { DatabaseConfig } from '../config/config.js';

const SQLITE_SCHEME = 'sqlite:';
const IN_MEMORY = ':memory:';
/** Pause between two attempts to reach a database that is down. */
const RETRY_PAUSE_MS = 500;

/** Loaded on demand, so that a start on SQLite does not load mysql2. */
const loadMysql = () => import('./mysql-data-source.js');

/** Connects a data source and makes sure that its schema is up to date. */
export async function openDataSource(
  settings: DatabaseConfig,
): Promise<DataSource> {
  const dataSource = await connect(settings);
  try {
    if (dataSource.options.type === 'better-sqlite3') {
      await dataSource.runMigrations();
    } else if (settings.DATABASE_MIGRATE) {
      const { migrateMysql } = await loadMysql();
      await migrateMysql(dataSource, settings);
    } else if (await dataSource.showMigrations()) {
      throw new Error(
        'its schema is out of date: run "npm run migration:run", or set DATABASE_MIGRATE=true',
      );
    }
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
  return dataSource;
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

/** Whether a server cannot be reached, unlike one that refuses the account. */
function isDown(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isDown);
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
