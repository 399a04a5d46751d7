import type { Pool, PoolOptions } from 'mysql2';
import type { MysqlHosts } from './hosts.js';

// Loads nothing of mysql2: an application on SQLite need not have it installed.

export interface MysqlDriver {
  hosts: MysqlHosts;
  createPool(options: PoolOptions): Pool;
}

/** Rejects if the server is a Galera node outside its cluster's majority, which still answers SELECT 1. */
export async function checkNode(
  valueOf: (sql: string) => Promise<string | undefined>,
): Promise<void> {
  if ((await valueOf("SHOW VARIABLES LIKE 'wsrep_on'")) !== 'ON') return;
  if ((await valueOf("SHOW STATUS LIKE 'wsrep_ready'")) !== 'ON') {
    throw new Error('The Galera node is not part of its cluster');
  }
}

/** The socket of a connection of mysql2, whose types leave it out. */
export function socketOf(connection: object): object {
  return (connection as { stream: object }).stream;
}
