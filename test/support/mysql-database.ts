import { randomBytes } from 'node:crypto';
import { TcpProxy } from './faults/tcp-proxy.js';
import { connectMysql } from './mysql-connection.js';

export interface TestDatabase {
  /** The value for DATABASE_URL. */
  url: string;
  remove(): Promise<void>;
}

export async function createMysqlDatabase(
  serverUrl: string,
): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runOn(serverUrl, `CREATE DATABASE ${name}`);
  return {
    url: new URL(name, serverUrl).href,
    remove: () => runOn(serverUrl, `DROP DATABASE ${name}`),
  };
}

/** A database behind a proxy. Stop the proxy after the test. */
export async function createProxiedDatabase(
  serverUrl: string,
): Promise<TestDatabase & { proxy: TcpProxy }> {
  const database = await createMysqlDatabase(serverUrl);
  const url = new URL(database.url);
  const proxy = await TcpProxy.before(Number(url.port || 3306));
  url.port = String(proxy.port);
  return { ...database, url: url.href, proxy };
}

async function runOn(url: string, sql: string): Promise<void> {
  const connection = await connectMysql(url);
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}
