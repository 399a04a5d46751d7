import type { Pool, PoolOptions } from 'mysql2';
import { ServerNotReadyError } from '../errors.js';
import type { StatementResult } from '../unit-of-work.js';
import type { MysqlHosts } from './hosts.js';

// Loads nothing of mysql2: an application on SQLite need not have it installed.

export interface MysqlDriver {
  hosts: MysqlHosts;
  createPool(options: PoolOptions): Pool;
}

/** Takes one round trip: the server may be far away. Percona's `wsrep_on` is no global variable. */
const STATE =
  "SHOW VARIABLES WHERE Variable_name IN ('wsrep_on', 'read_only', 'innodb_read_only') AND Value <> 'OFF'";

/**
 * Rejects with ServerNotReadyError if the server takes no writes, although it still answers SELECT 1: a
 * Galera node outside its cluster's majority, or a server that is read-only, as
 * a former primary is after a failover.
 *
 * @param show returns the rows of a SHOW
 */
export async function checkServer(
  show: (sql: string) => Promise<StatementResult['rows']>,
): Promise<void> {
  const state = (await show(STATE)).map((row) => row.Variable_name);
  if (state.includes('wsrep_on')) {
    const [ready] = await show("SHOW STATUS LIKE 'wsrep_ready'");
    if (ready?.Value !== 'ON') {
      throw new ServerNotReadyError(
        'The Galera node is not part of its cluster',
      );
    }
  }
  if (state.some((name) => name !== 'wsrep_on')) {
    throw new ServerNotReadyError('The server is read-only');
  }
}

/** The socket of a connection of mysql2, whose types leave it out. */
export function socketOf(connection: object): object {
  return (connection as { stream: object }).stream;
}
