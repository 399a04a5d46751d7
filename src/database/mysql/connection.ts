import mysql, { type Connection, type PoolOptions } from 'mysql2';
import mysqlPromise, {
  type Connection as PromiseConnection,
} from 'mysql2/promise';
import type { StatementResult } from '../unit-of-work.js';
import { type MysqlAddress, parseMysqlUrl } from './address.js';
import type { Host, MysqlHosts } from './hosts.js';
import { checkServer, type MysqlDriver, socketOf } from './node.js';

/**
 * A connection that was idle for longer is closed (3 min). Gateways forget idle
 * connections, those of clouds after 4 minutes and more.
 */
const IDLE_LIMIT_MS = 180_000;

/** Longest wait for a locked row (1 s, the least that MySQL accepts). */
const LOCK_WAIT_SECONDS = 1;

/** The deadline of a request limits its statements, and nothing limits those of a migration. MariaDB reads the first, and MySQL the second. */
export const NO_STATEMENT_TIMEOUT =
  'SET SESSION /*M!100101 max_statement_time = 0 */ /*!50708 max_execution_time = 0 */';

/**
 * The settings that the service relies on, whatever my.cnf, `SET GLOBAL` or
 * `init_connect` says. Without autocommit, for instance, reads would see the
 * snapshot of the first one for ever. In strict mode text that does not fit is
 * an error and never cut. They take one round trip: the server may be far away.
 */
const SESSION_SETTINGS = [
  'SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci',
  `SET SESSION ${[
    "sql_mode = 'TRADITIONAL'",
    'autocommit = 1',
    'completion_type = 0', // COMMIT begins no transaction
    `innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
    'foreign_key_checks = 1',
    'unique_checks = 1',
    'sql_safe_updates = 0',
    'sql_select_limit = 18446744073709551615', // no limit
    "time_zone = '+00:00'",
  ].join(', ')}`,
  NO_STATEMENT_TIMEOUT,
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE',
].join('; ');

/** On Galera connections see what any node has committed. A server without it refuses the variable. */
const GALERA_SETTING = 'SET SESSION wsrep_sync_wait = 1';

/** Opens a connection outside the pool, to the first of the hosts that can be reached. */
export async function connectMysql(
  url: string,
  connectTimeout: number,
): Promise<PromiseConnection> {
  const address = parseMysqlUrl(url);
  const failures: unknown[] = [];
  for (const host of address.hosts) {
    try {
      return await connectMysqlHost(host, address, connectTimeout);
    } catch (error) {
      failures.push(error);
    }
  }
  throw failures.length === 1 ? failures[0] : new AggregateError(failures);
}

export function connectMysqlHost(
  host: Host,
  { user, password, database }: MysqlAddress,
  connectTimeout: number,
): Promise<PromiseConnection> {
  return mysqlPromise.createConnection({
    ...host,
    user,
    password,
    database,
    connectTimeout,
  });
}

/** Rejects if a host cannot be reached, does not reply, or takes no writes. */
export async function probeMysql(
  host: Host,
  address: MysqlAddress,
  connectTimeout: number,
): Promise<void> {
  const connection = await connectMysqlHost(host, address, connectTimeout);
  try {
    await checkServer(async (sql) => {
      const [rows] = await connection.query({ sql, timeout: connectTimeout });
      return rows as StatementResult['rows'];
    });
  } finally {
    connection.destroy();
  }
}

/** mysql2 as TypeORM's driver, with failover and with the settings above. */
export function mysqlDriver(hosts: MysqlHosts): MysqlDriver {
  return {
    ...mysql,
    hosts,
    createPool(options: PoolOptions) {
      const { connectionLimit = 1 } = options;
      const pool = mysql.createPool({
        ...options,
        idleTimeout: IDLE_LIMIT_MS,
        // mysql2 closes idle connections only if it may not keep all of them: not that of a pool of one.
        maxIdle: Math.max(connectionLimit - 1, 1),
        // The server logs connections that close without a word.
        gracefulEnd: true,
        multipleStatements: true,
        stream: hosts.connect,
      });
      pool.on('connection', (connection: Connection) => {
        hosts.markReady(socketOf(connection));
        // An error ends the connection.
        connection.query(SESSION_SETTINGS);
        connection.query(GALERA_SETTING, () => undefined);
      });
      return pool;
    },
  };
}
