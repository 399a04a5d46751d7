import { parseDatabaseConfig } from '../../src/app/config/parse-config.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { connectMysql } from './mysql-connection.js';
import { type MysqlServer, startMysqlServer } from './mysql-server.js';
import { PATIENCE } from './patience.js';

/** The database of a prepared server. */
export const NAME = 'chat';
/** An account without administrative rights, which has no password. */
const ACCOUNT = 'service';

/** Starts a server that has the account and its empty database. */
export async function startEmptyServer(
  options: string[] = [],
): Promise<MysqlServer> {
  const server = await startMysqlServer({ options });
  const connection = await connectMysql(server.url);
  await connection.query(`CREATE DATABASE ${NAME}`);
  await connection.query(`CREATE USER ${ACCOUNT}@'127.0.0.1'`);
  await connection.query(`GRANT ALL ON ${NAME}.* TO ${ACCOUNT}@'127.0.0.1'`);
  await connection.end();
  return server;
}

/** Starts a server that has the service's tables. */
export async function startPreparedServer(
  options: string[] = [],
): Promise<MysqlServer> {
  const server = await startEmptyServer(options);
  const dataSource = await openDataSource(
    parseDatabaseConfig({
      ...PATIENCE,
      DATABASE_URL: new URL(NAME, server.url).href,
      DATABASE_MIGRATE: 'true',
    }),
  );
  await dataSource.destroy();
  return server;
}

/** The value for DATABASE_URL: prepared servers, the preferred one first. */
export function urlOf(servers: MysqlServer[]): string {
  const hosts = servers.map(({ url }) => new URL(url).host).join(',');
  return `mysql://${ACCOUNT}@${hosts}/${NAME}`;
}

/** How many sessions a prepared server has. */
export async function sessionsOn({ url }: MysqlServer): Promise<number> {
  const connection = await connectMysql(new URL(NAME, url).href);
  const [rows] = await connection.query(
    'SELECT COUNT(*) AS n FROM chat_sessions',
  );
  await connection.end();
  return Number((rows as { n: number }[])[0]!.n);
}
