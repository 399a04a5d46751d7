import { DataSource } from 'typeorm';
import { chatSessionsEntities } from '../chat-sessions/entities/entities.js';
import type { DatabaseConfig } from '../config/config.js';
import { reasonOf } from '../describe-error.js';
import { migrateMysql } from './migrate-mysql.js';
import { mysqlMigrations } from './migrations/migrations.js';
import {
  CONNECT_TIMEOUT_MS,
  connectMysql,
  mysqlDriver,
  parseMysqlUrl,
  probeMysql,
} from './mysql-connection.js';
import { MysqlHosts } from './mysql-hosts.js';
import { sqliteDataSource } from './sqlite-data-source.js';

const SQLITE_SCHEME = 'sqlite:';

/** A data source that is connected, and whose schema is that of the entities. */
export async function openDataSource(
  settings: DatabaseConfig,
): Promise<DataSource> {
  const dataSource = await connect(settings);
  try {
    if (dataSource.options.type === 'better-sqlite3') {
      await dataSource.runMigrations();
    } else if (settings.DATABASE_MIGRATE) {
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

async function connect(settings: DatabaseConfig): Promise<DataSource> {
  try {
    return await (await createDataSource(settings)).initialize();
  } catch (cause) {
    throw new Error(`Cannot open DATABASE_URL: ${reasonOf(cause)}`, { cause });
  }
}

/** A data source that is not connected yet. For MySQL it asks the server what it is, so the server must be up. */
export async function createDataSource({
  DATABASE_URL: url,
  DATABASE_POOL_SIZE: poolSize,
}: DatabaseConfig): Promise<DataSource> {
  return url.startsWith(SQLITE_SCHEME)
    ? sqliteDataSource(url.slice(SQLITE_SCHEME.length))
    : mysqlDataSource(url, poolSize);
}

async function mysqlDataSource(
  url: string,
  poolSize: number,
): Promise<DataSource> {
  const address = parseMysqlUrl(url);
  const { user, password, database } = address;
  const hosts = new MysqlHosts(address.hosts, (host) =>
    probeMysql(host, address),
  );
  return new DataSource({
    entities: chatSessionsEntities,
    synchronize: false,
    logging: false,
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    // As `mysql`, TypeORM would never find a MariaDB schema equal to its entities.
    type: await serverType(url),
    username: user,
    password,
    database,
    migrations: mysqlMigrations,
    migrationsTransactionMode: 'each',
    charset: 'utf8mb4',
    timezone: 'Z',
    connectTimeout: CONNECT_TIMEOUT_MS,
    poolSize,
    driver: mysqlDriver(hosts),
  });
}

async function serverType(url: string): Promise<'mysql' | 'mariadb'> {
  const connection = await connectMysql(url);
  try {
    const [rows] = await connection.query({
      sql: 'SELECT VERSION() AS version',
      timeout: CONNECT_TIMEOUT_MS,
    });
    const [{ version }] = rows as [{ version: string }];
    return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
  } finally {
    connection.destroy();
  }
}
