import type { Pool, PoolOptions } from 'mysql2';
import type { MysqlHosts } from './hosts.js';

// Loads nothing of mysql2: an application on SQLite need not have it installed.

export interface MysqlDriver {
  hosts: MysqlHosts;
  createPool(options: PoolOptions): Pool;
}

const READ_ONLY =
  "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'innodb_read_only') AND Value <> 'OFF'";

/**
 * Rejects if the server takes no writes, although it still answers SELECT 1: a
 * Galera node outside its cluster's majority, or a server that is read-only, as
 * a former primary is after a failover.
 *
 * @param valueOf returns the column `Value` of the first row
 */
export async function checkServer(
  valueOf: (sql: string) => Promise<string | undefined>,
): Promise<void> {
  const isGalera = (await valueOf("SHOW VARIABLES LIKE 'wsrep_on'")) === 'ON';
  if (isGalera && (await valueOf("SHOW STATUS LIKE 'wsrep_ready'")) !== 'ON') {
    throw new Error('The Galera node is not part of its cluster');
  }
  if ((await valueOf(READ_ONLY)) !== undefined) {
    throw new Error('The server is read-only');
  }
}

/** The socket of a connection of mysql2, whose types leave it out. */
export function socketOf(connection: object): object {
  return (connection as { stream: object }).stream;
}
