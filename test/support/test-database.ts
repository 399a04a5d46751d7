import type { Database as SqliteConnection } from 'better-sqlite3';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { inject } from 'vitest';
import { connectMysql } from '../../src/database/mysql/connection.js';
import { perStore } from './stores.js';

export interface TestDatabase {
  /** The value for DATABASE_URL. */
  url: string;
  remove(): Promise<void>;
}

/** Creates an empty database on the store of this run. */
export function createTestDatabase(): Promise<TestDatabase> {
  return perStore({
    sqlite: createSqliteDatabase,
    mysql: () => createMysqlDatabase(inject('mysqlUrl')),
  })();
}

async function createSqliteDatabase(): Promise<TestDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'chat-sessions-'));
  return {
    url: `sqlite:${join(directory, 'test.sqlite')}`,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The connection that the service uses. */
export function sqliteConnectionOf({ driver }: DataSource): SqliteConnection {
  return (driver as typeof driver & { databaseConnection: SqliteConnection })
    .databaseConnection;
}

export async function createMysqlDatabase(
  serverUrl: string,
): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runOn(serverUrl, `CREATE DATABASE ${name}`);
  return {
    url: new URL(name, serverUrl).href,
    remove: () => runOn(serverUrl, `DROP DATABASE ${name}`),
  };
}

async function runOn(url: string, sql: string): Promise<void> {
  const connection = await connectMysql(url);
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}
