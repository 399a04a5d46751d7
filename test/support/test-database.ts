import type { Database as SqliteConnection } from 'better-sqlite3';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, inject } from 'vitest';
import { createMysqlDatabase, type TestDatabase } from './mysql-database.js';
import { perStore } from './stores.js';

/** Creates an empty database on the store of this run. */
export function createTestDatabase(): Promise<TestDatabase> {
  return perStore({
    sqlite: createSqliteDatabase,
    mysql: () => createMysqlDatabase(inject('mysqlUrl')),
  })();
}

/** Creates a database before the tests of the file or `describe`, and removes it after them. */
export function useTestDatabase(): TestDatabase {
  const database = {} as TestDatabase;
  beforeAll(async () => {
    Object.assign(database, await createTestDatabase());
  });
  afterAll(() => database.remove());
  return database;
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

/** Undoes a migration, which is named as its class without the time, and all after it. */
export async function undoMigrations(dataSource: DataSource, first: string) {
  const names = dataSource.migrations.map(({ name }) => name!);
  const index = names.findIndex((name) => name.startsWith(first));
  if (index === -1) throw new Error(`No migration ${first}`);
  for (const _ of names.slice(index)) await dataSource.undoLastMigration();
}
