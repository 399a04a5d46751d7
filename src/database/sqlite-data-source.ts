import type { Database as SqliteConnection } from 'better-sqlite3';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { chatSessionsEntities } from '../chat-sessions/entities/entities.js';
import { sqliteMigrations } from './migrations/migrations.js';

/**
 * A data source on an embedded SQLite, with entities and migrations, which is
 * not initialized yet. What is acknowledged survives a loss of power.
 * @param path of the file, in a directory that is made where it is missing; `:memory:` for one that is not kept
 * @param options `migrationsRun: true` migrates it when it is initialized
 */
export function sqliteDataSource(
  path: string,
  options: Pick<DataSourceOptions, 'migrationsRun' | 'logging'> = {},
): DataSource {
  const dataSource = new DataSource({
    ...options,
    type: 'better-sqlite3',
    database: path,
    entities: chatSessionsEntities,
    migrations: sqliteMigrations,
    synchronize: false,
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    enableWAL: true,
    // Waiting for another process's lock blocks the event loop: fail, and try again later.
    timeout: 0,
    prepareDatabase: (connection: SqliteConnection) => {
      connection.pragma('synchronous = FULL');
    },
  });
  allowLongtext(dataSource);
  return dataSource;
}

/**
 * To be called before `initialize()`: SQLite takes any name of a type, TypeORM's
 * driver for it only those on its list.
 */
export function allowLongtext(dataSource: DataSource): void {
  dataSource.driver.supportedDataTypes.push('longtext');
}
