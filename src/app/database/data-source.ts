import { resolve } from 'node:path';
import type { DataSource } from 'typeorm';
import { sqliteDataSource } from '../../chat-sessions/sqlite-data-source.js';
import { reasonOf } from '../../errors/describe-error.js';
import type { DatabaseConfig } from '../config/config.js';

const SQLITE_SCHEME = 'sqlite:';
const IN_MEMORY = ':memory:';

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
      await migrateMysql(dataSource, settings.DATABASE_URL);
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
  try {
    return await (await createDataSource(settings)).initialize();
  } catch (cause) {
    throw new Error(`Cannot open DATABASE_URL: ${reasonOf(cause)}`, { cause });
  }
}

/** A data source that is not connected yet. A MySQL server must be up: it is asked for its version. */
export async function createDataSource({
  DATABASE_URL: url,
  DATABASE_POOL_SIZE: poolSize,
}: DatabaseConfig): Promise<DataSource> {
  if (url.startsWith(SQLITE_SCHEME)) {
    return sqliteDataSource(url.slice(SQLITE_SCHEME.length));
  }
  const { mysqlDataSource } = await loadMysql();
  return mysqlDataSource(url, poolSize);
}
