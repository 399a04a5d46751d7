import type { Pool, PoolOptions } from 'mysql2';
import type { MysqlHosts } from './hosts.js';

// What of mysql2 has to be known without loading it: an application may have another store.

export interface MysqlDriver {
  hosts: MysqlHosts;
  createPool(options: PoolOptions): Pool;
}

/** Rejects where a server is a node of Galera that is outside of its cluster's majority: it still answers SELECT 1. */
export async function checkNode(
  valueOf: (sql: string) => Promise<string | undefined>,
): Promise<void> {
  if ((await valueOf("SHOW VARIABLES LIKE 'wsrep_on'")) !== 'ON') return;
  if ((await valueOf("SHOW STATUS LIKE 'wsrep_ready'")) !== 'ON') {
    throw new Error('The node has no cluster');
  }
}

export function socketOf(connection: object): object {
  return (connection as { stream: object }).stream;
}
