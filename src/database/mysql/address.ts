import type { Host } from './hosts.js';

/** Default time to open a connection, handshake included (1 s). */
export const CONNECT_TIMEOUT_MS = 1_000;

const MYSQL_URL = /^(mysql:\/\/(?:[^@/?#]*@)?)([^@/?#]+)\/?([^/?#]*)$/;

export interface MysqlAddress {
  /** At least one. */
  hosts: Host[];
  user: string;
  password: string;
  /** Empty if the URL names none. */
  database: string;
}

/** Parses `mysql://user:password@host:port,host:port/database`. Throws if it is malformed. */
export function parseMysqlUrl(url: string): MysqlAddress {
  const [, start, hosts, database = ''] = MYSQL_URL.exec(url) ?? [];
  if (!start || !hosts) throw new TypeError('Not a URL of MySQL');
  const urls = hosts.split(',').map((host) => new URL(start + host));
  if (urls.some(({ hostname }) => hostname === '')) {
    throw new TypeError('A host of the URL is empty');
  }
  const { username, password } = urls[0]!;
  return {
    hosts: urls.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || 3306),
    })),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(database),
  };
}
