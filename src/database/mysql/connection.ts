import mysql, { type Connection, type PoolOptions } from 'mysql2';
import mysqlPromise, {
  type Connection as PromiseConnection,
} from 'mysql2/promise';
import { type MysqlAddress, parseMysqlUrl } from './address.js';
import type { Host, MysqlHosts } from './hosts.js';
import { checkNode, type MysqlDriver, socketOf } from './node.js';

/** Time to open a connection, handshake included (1 s). */
export const CONNECT_TIMEOUT_MS = 1_000;
/** Longest wait for a locked row (1 s, the least that MySQL accepts). */
const LOCK_WAIT_SECONDS = 1;

/** Opens a connection outside the pool, to the first of the hosts that can be reached. */
export async function connectMysql(url: string): Promise<PromiseConnection> {
  const { hosts, ...account } = parseMysqlUrl(url);
  const failures: unknown[] = [];
  for (const host of hosts) {
    try {
      return await mysqlPromise.createConnection({
        ...host,
        ...account,
        connectTimeout: CONNECT_TIMEOUT_MS,
      });
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures.length === 1 ? failures[0] : new AggregateError(failures);
}

/** Rejects if a host cannot be reached, does not reply, or is outside its cluster. */
export async function probeMysql(
  host: Host,
  { user, password }: MysqlAddress,
): Promise<void> {
  const connection = await mysqlPromise.createConnection({
    ...host,
    user,
    password,
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
  try {
    await checkNode(async (sql) => {
      const timeout = CONNECT_TIMEOUT_MS;
      const [rows] = await connection.query({ sql, timeout });
      return (rows as { Value: string }[])[0]?.Value;
    });
  } finally {
    connection.destroy();
  }
}

/**
 * mysql2 as TypeORM's driver, with failover. Connections are in strict mode
 * whatever the server's default, so that text that does not fit is an error and
 * never cut. On Galera they see what any node has committed.
 */
export function mysqlDriver(hosts: MysqlHosts): MysqlDriver {
  return {
    ...mysql,
    hosts,
    createPool(options: PoolOptions) {
      const pool = mysql.createPool({
        ...options,
        multipleStatements: true,
        stream: hosts.connect,
      });
      pool.on('connection', (connection: Connection) => {
        hosts.markReady(socketOf(connection));
        connection.query(
          `SET SESSION sql_mode = 'TRADITIONAL', innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
        );
        // Only Galera has this variable. Elsewhere the statement fails without harm.
        connection.query('SET SESSION wsrep_sync_wait = 1', () => undefined);
      });
      return pool;
    },
  };
}
