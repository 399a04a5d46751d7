import type { Database as SqliteConnection } from 'better-sqlite3';
import { DataSource, type DataSourceOptions } from 'typeorm';

/**
 * A data source on an embedded SQLite, not initialized yet. Acknowledged writes
 * survive a power failure (`synchronous = FULL`).
 * @param path a file, whose directory is created if it is missing; or `:memory:`
 * @param options at least `entities` and `migrations`
 */
export function createSqliteDataSource(
  path: string,
  options: Pick<
    DataSourceOptions,
    'entities' | 'migrations' | 'migrationsRun' | 'logging'
  >,
): DataSource {
  const dataSource = new DataSource({
    ...options,
    type: 'better-sqlite3',
    database: path,
    synchronize: false,
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    enableWAL: true,
    // The driver would block the event loop while it waits for another process's lock. Fail at once; the service retries.
    timeout: 0,
    prepareDatabase: (connection: SqliteConnection) => {
      connection.pragma('synchronous = FULL');
      // KiB of pages; the operating system caches the file as well. The driver's
      // 16 MB would stay in the process (`npx tsx test/bench/large-requests.ts`).
      connection.pragma('cache_size = -4000');
    },
  });
  allowLongtext(dataSource);
  return dataSource;
}

/**
 * Lets a data source on SQLite have columns of type `longtext`. Call it before
 * `initialize()`: SQLite accepts any type name, TypeORM's driver only those on
 * its list.
 */
export function allowLongtext(dataSource: DataSource): void {
  dataSource.driver.supportedDataTypes.push('longtext');
}
