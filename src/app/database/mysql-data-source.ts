import { DataSource, type Migration } from 'typeorm';
import { chatSessionsEntities } from '../../chat-sessions/entities.js';
import { mysqlMigrations } from '../../chat-sessions/store/migrations/migrations.js';
import { parseMysqlUrl } from '../../database/mysql/address.js';
import {
  connectMysql,
  connectMysqlHost,
  mysqlDriver,
  NO_STATEMENT_TIMEOUT,
  probeMysql,
} from '../../database/mysql/connection.js';
import { MysqlHosts } from '../../database/mysql/hosts.js';
import type { MysqlDriver } from '../../database/mysql/node.js';
import type { DatabaseConfig } from '../config/config.js';

/** A data source that is not connected yet. The server must be up: it is asked for its version. */
export async function mysqlDataSource({
  DATABASE_URL: url,
  DATABASE_POOL_SIZE: poolSize,
  DATABASE_CONNECT_TIMEOUT_MS: connectTimeout,
}: DatabaseConfig): Promise<DataSource> {
  const address = parseMysqlUrl(url);
  const { user, password, database } = address;
  const hosts = new MysqlHosts(address.hosts, (host) =>
    probeMysql(host, address, connectTimeout),
  );
  // With type `mysql`, TypeORM finds differences in every MariaDB schema.
  const [type] = await Promise.all([
    serverType(url, connectTimeout),
    hosts.choose(),
  ]);
  return new DataSource({
    entities: chatSessionsEntities,
    synchronize: false,
    logging: false,
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    type,
    username: user,
    password,
    database,
    migrations: mysqlMigrations,
    migrationsTransactionMode: 'each',
    charset: 'utf8mb4',
    timezone: 'Z',
    connectTimeout,
    poolSize,
    driver: mysqlDriver(hosts),
  });
}

/**
 * Runs the pending migrations on the current host, and resolves to those that it
 * ran. If several processes start together, one of them does, and the others wait
 * for a row lock. The lock ends with its holder's connection, so a process that
 * dies half-way blocks nobody. (Galera has no GET_LOCK.)
 */
export async function migrateMysql(
  dataSource: DataSource,
  {
    DATABASE_URL: url,
    DATABASE_CONNECT_TIMEOUT_MS: connectTimeout,
  }: DatabaseConfig,
): Promise<Migration[]> {
  const { driver } = dataSource.options as { driver: MysqlDriver };
  const lock = await connectMysqlHost(
    driver.hosts.currentHost,
    parseMysqlUrl(url),
    connectTimeout,
  );
  try {
    await lock.query(NO_STATEMENT_TIMEOUT);
    await lock.query('SET SESSION TRANSACTION READ WRITE');
    await lock.query('SET SESSION innodb_lock_wait_timeout = 3600');
    await lock.query(
      'CREATE TABLE IF NOT EXISTS `migration_lock` (`id` tinyint NOT NULL PRIMARY KEY) ENGINE=InnoDB',
    );
    await lock.query('INSERT IGNORE INTO `migration_lock` VALUES (1)');
    await lock.beginTransaction();
    await lock.query('SELECT `id` FROM `migration_lock` FOR UPDATE');
    return await dataSource.runMigrations();
  } finally {
    await lock.end();
  }
}

async function serverType(
  url: string,
  timeout: number,
): Promise<'mysql' | 'mariadb'> {
  const connection = await connectMysql(url, timeout);
  try {
    const [rows] = await connection.query({
      sql: 'SELECT VERSION() AS version',
      timeout,
    });
    const [{ version }] = rows as [{ version: string }];
    return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
  } finally {
    connection.destroy();
  }
}
