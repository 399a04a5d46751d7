import type { Database as SqliteConnection } from 'better-sqlite3';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { DatabaseConfig } from '../config/config.js';
import { ChatMessage } from '../chat-sessions/entities/chat-message.entity.js';
import { ChatSession } from '../chat-sessions/entities/chat-session.entity.js';
import { IdempotencyKey } from '../chat-sessions/entities/idempotency-key.entity.js';
import { reasonOf } from '../describe-error.js';
import { migrateMysql } from './migrate-mysql.js';
import {
  CONNECT_TIMEOUT_MS,
  connectMysql,
  mysqlDriver,
  parseMysqlUrl,
  probeMysql,
} from './mysql-connection.js';
import { MysqlHosts } from './mysql-hosts.js';
import { CreateTables1795392000000 as MysqlCreateTables } from './migrations/mysql/1795392000000-create-tables.js';
import { CreateTables1795392000000 as SqliteCreateTables } from './migrations/sqlite/1795392000000-create-tables.js';

const SQLITE_SCHEME = 'sqlite:';

const common = {
  entities: [ChatSession, ChatMessage, IdempotencyKey],
  synchronize: false,
  logging: false,
  invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
} satisfies Partial<DataSourceOptions>;

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

function sqliteDataSource(path: string): DataSource {
  const dataSource = new DataSource({
    ...common,
    type: 'better-sqlite3',
    database: path,
    migrations: [SqliteCreateTables],
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

/** SQLite takes any name of a type; TypeORM's driver for it only those on its list. */
export function allowLongtext(dataSource: DataSource): void {
  dataSource.driver.supportedDataTypes.push('longtext');
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
    ...common,
    // As `mysql`, TypeORM would never find a MariaDB schema equal to its entities.
    type: await serverType(url),
    username: user,
    password,
    database,
    migrations: [MysqlCreateTables],
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
