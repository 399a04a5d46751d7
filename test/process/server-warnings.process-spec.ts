import { describe, expect, it, onTestFinished } from 'vitest';
import { connectMysql } from '../support/mysql-connection.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { findMysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { STORE } from '../support/stores.js';
import { createTestDatabase } from '../support/test-database.js';
import { startTestService } from '../support/test-service.js';

/** The warnings that the service logs when it starts. */
async function warningsOf(DATABASE_URL: string): Promise<string[]> {
  const service = await startTestService({
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
  const server = await startMysqlServer({
    durable,
    options: ['--max-allowed-packet=65M'],
  });
  onTestFinished(() => server.stop());
  return server;
}

function onMysql() {
  it('warns if innodb_flush_log_at_trx_commit is not 1', async () => {
    const server = await startServer(false);
    const { url } = await createMysqlDatabase(server.url);
    expect(await warningsOf(url)).toEqual([
      'The server can lose acknowledged writes: innodb_flush_log_at_trx_commit is 0, not 1',
    ]);
  });

  it('warns if there is a binlog and sync_binlog is not 1', async () => {
    const server = await startServer(true);
    const { url } = await createMysqlDatabase(server.url);
    expect(await warningsOf(url)).toEqual([]);
    const connection = await connectMysql(server.url);
    onTestFinished(() => connection.destroy());
    await connection.query('SET GLOBAL sync_binlog = 0');
    expect(await warningsOf(url)).toEqual([
      'The server can lose acknowledged writes: sync_binlog is 0, not 1',
    ]);
  });

  it('says which bodies may get 413 because of max_allowed_packet', async () => {
    const server = await startServer(true);
    const { url } = await createMysqlDatabase(server.url);
    const connection = await connectMysql(server.url);
    onTestFinished(() => connection.destroy());
    await connection.query('SET GLOBAL max_allowed_packet = 4194304');
    expect(await warningsOf(url)).toEqual([
      'Bodies of more than 1015808 bytes may get 413, although BODY_LIMIT is 16777216: max_allowed_packet is 4194304',
    ]);
  });
}

describe('a start', () => {
  if (STORE === 'sqlite') {
    it('does not warn about SQLite', async () => {
      const database = await createTestDatabase();
      onTestFinished(() => database.remove());
      expect(await warningsOf(database.url)).toEqual([]);
    });
  } else if (findMysqlServer()) onMysql();
});
