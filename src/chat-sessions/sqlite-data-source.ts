import type { DataSource, DataSourceOptions } from 'typeorm';
import { createSqliteDataSource } from '../database/sqlite/data-source.js';
import { chatSessionsEntities } from './entities.js';
import { sqliteMigrations } from './store/migrations/migrations.js';

/**
 * A data source on an embedded SQLite with the module's entities and
 * migrations, not initialized yet. Acknowledged writes survive a power failure.
 * @param path a file, whose directory is created if it is missing; or `:memory:`
 * @param options `migrationsRun: true` runs the migrations in `initialize()`
 */
export function sqliteDataSource(
  path: string,
  options: Pick<DataSourceOptions, 'migrationsRun' | 'logging'> = {},
): DataSource {
  return createSqliteDataSource(path, {
    ...options,
    entities: chatSessionsEntities,
    migrations: sqliteMigrations,
  });
}
