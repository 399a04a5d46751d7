import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { connectMysql } from '../../src/database/mysql/connection.js';
import { findMysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { startService } from '../support/service-process.js';
import {
  createMysqlDatabase,
  createTestDatabase,
} from '../support/test-database.js';

async function warningsOf(DATABASE_URL: string): Promise<string[]> {
  const service = await startService({
    DATABASE_URL,
    DATABASE_MIGRATE: 'true',
    AUTH_MODE: 'none',
  });
  const { stdout } = await service.stop();
  return stdout
    .split('\n')
    .filter((line) => line.includes('"level":"warn"'))
    .map((line) => (JSON.parse(line) as { message: string }).message);
}

async function startServer(durable: boolean) {
  const server = await startMysqlServer({ durable });
  onTestFinished(() => server.stop());
  return server;
}

function onMysql() {
  it('warns where innodb_flush_log_at_trx_commit is not 1', async () => {
    const server = await startServer(false);
    const { url } = await createMysqlDatabase(server.url);
    expect(await warningsOf(url)).toEqual([
      'The server can lose acknowledged writes: innodb_flush_log_at_trx_commit is 0, not 1',
    ]);
  });

  it('warns where there is a binlog and sync_binlog is not 1', async () => {
    const server = await startServer(true);
    const { url } = await createMysqlDatabase(server.url);
    expect(await warningsOf(url)).toEqual([]);
    const connection = await connectMysql(server.url);
    await connection.query('SET GLOBAL sync_binlog = 0');
    connection.destroy();
    expect(await warningsOf(url)).toEqual([
      'The server can lose acknowledged writes: sync_binlog is 0, not 1',
    ]);
  });
}

describe('a start', () => {
  if (inject('store') === 'sqlite') {
    it('does not warn of SQLite', async () => {
      const database = await createTestDatabase();
      expect(await warningsOf(database.url)).toEqual([]);
      await database.remove();
    });
  } else if (findMysqlServer()) onMysql();
});
