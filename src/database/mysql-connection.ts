import mysql, { type Connection, type PoolOptions } from 'mysql2';
import mysqlPromise from 'mysql2/promise';

export const CONNECT_TIMEOUT_MS = 5_000;

/** What `mysql://user:password@host:port/database` says, in mysql2's words. */
export function parseMysqlUrl(url: string) {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  };
}

/** A connection outside the pool. */
export function connectMysql(url: string) {
  return mysqlPromise.createConnection({
    ...parseMysqlUrl(url),
    connectTimeout: CONNECT_TIMEOUT_MS,
  });
}

/**
 * mysql2 whose pooled connections are in strict mode, whatever the server's
 * default: text that does not fit is an error, never cut.
 */
export const strictMysql: object = {
  ...mysql,
  createPool(options: PoolOptions) {
    const pool = mysql.createPool(options);
    pool.on('connection', (connection: Connection) => {
      connection.query("SET SESSION sql_mode = 'TRADITIONAL'");
    });
    return pool;
  },
};
