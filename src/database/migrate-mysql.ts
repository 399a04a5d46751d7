import type { DataSource } from 'typeorm';
import { connectMysql } from './mysql-connection.js';

/**
 * Runs the pending migrations; of several processes that start together, one.
 * The others wait on a row lock, which ends with its holder's connection, so a
 * process that dies half-way blocks nobody. (GET_LOCK is not available on Galera.)
 */
export async function migrateMysql(
  dataSource: DataSource,
  url: string,
): Promise<void> {
  const lock = await connectMysql(url);
  try {
    await lock.query('SET SESSION innodb_lock_wait_timeout = 3600');
    await lock.query(
      'CREATE TABLE IF NOT EXISTS `migration_lock` (`id` tinyint NOT NULL PRIMARY KEY) ENGINE=InnoDB',
    );
    await lock.query('INSERT IGNORE INTO `migration_lock` VALUES (1)');
    await lock.beginTransaction();
    await lock.query('SELECT `id` FROM `migration_lock` FOR UPDATE');
    await dataSource.runMigrations();
  } finally {
    await lock.end();
  }
}
