import { randomBytes } from 'node:crypto';
import { connectMysql } from '../../src/database/mysql/connection.js';

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

async function runOn(url: string, sql: string): Promise<void> {
  const connection = await connectMysql(url);
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}
