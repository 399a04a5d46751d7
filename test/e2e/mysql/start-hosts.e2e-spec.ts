import { expect, it, onTestFinished } from 'vitest';
import { parseDatabaseConfig } from '../../../src/app/config/parse-config.js';
import { openDataSource } from '../../../src/app/database/data-source.js';
import { connectMysql } from '../../support/mysql-connection.js';
import type { MysqlServer } from '../../support/mysql-server.js';
import {
  NAME,
  startEmptyServer,
  urlOf,
} from '../../support/prepared-server.js';

/** A server that runs to the end of the test. */
async function server(): Promise<MysqlServer> {
  const started = await startEmptyServer();
  onTestFinished(() => started.stop());
  return started;
}

async function tablesOf({ url }: MysqlServer): Promise<string[]> {
  const connection = await connectMysql(new URL(NAME, url).href);
  const [rows] = await connection.query('SHOW TABLES');
  await connection.end();
  return (rows as object[]).flatMap((row) => Object.values(row) as string[]);
}

it.each([
  [
    'read-only',
    async ({ url }: MysqlServer) => {
      const connection = await connectMysql(url);
      await connection.query('SET GLOBAL read_only = 1');
      await connection.end();
    },
  ],
  [
    'paused',
    async ({ pid }: MysqlServer) => {
      process.kill(pid, 'SIGSTOP');
      onTestFinished(() => void process.kill(pid, 'SIGCONT'));
    },
  ],
])('migrates the second host if the first is %s', async (_, disable) => {
  const first = await server();
  const second = await server();
  await disable(first);
  const dataSource = await openDataSource(
    parseDatabaseConfig({
      DATABASE_URL: urlOf([first, second]),
      DATABASE_MIGRATE: 'true',
      // The time until a paused host is passed over.
      DATABASE_CONNECT_TIMEOUT_MS: '10000',
    }),
  );
  await dataSource.destroy();
  expect(await tablesOf(second)).toContain('chat_sessions');
  process.kill(first.pid, 'SIGCONT');
  expect(await tablesOf(first)).toEqual([]);
});
