import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, inject, it, onTestFinished, vi } from 'vitest';
import { parseDatabaseConfig } from '../../../src/app/config/parse-config.js';
import { createDataSource } from '../../../src/app/database/data-source.js';
import { mysqlMigrations } from '../../../src/chat-sessions/store/migrations/migrations.js';
import { connectMysql } from '../../support/mysql-connection.js';
import { createMysqlDatabase } from '../../support/mysql-database.js';

const NAMES = mysqlMigrations.map((Migration) => new Migration().name);
/** Creates a table, for which MariaDB waits for nobody. */
const ADD_RANGE_PURGES = 'AddRangePurges1796200000000';
const CHANGE_TABLES = NAMES.slice(
  NAMES.indexOf('AddTrees1796100000000'),
).filter((name) => name !== ADD_RANGE_PURGES);
const WRITES = 4;
const PAUSE_MS = 500;
/** A write that waits for longer fails. */
const WRITE_WAIT_SECONDS = 10;
const INSERT_SESSION = `INSERT INTO chat_sessions (owner_id, id, context_documents, config, metadata,
    pinned, archived, message_count, last_seq, max_message_bytes, last_activity_at, version, created_at, updated_at)
  VALUES ('local', ?, '[]', '{}', '{}', 0, 0, 0, 0, 0, NOW(), 1, NOW(), NOW())`;
const INSERT_MESSAGE = `INSERT INTO chat_messages (session_id, seq, id, owner_id, role, content, \`references\`, metadata, bytes, created_at)
  VALUES (?, 1, 'm', 'local', 'user', '', '[]', '{}', 0, NOW())`;

afterEach(() => vi.restoreAllMocks());

async function connect(url: string) {
  const connection = await connectMysql(url);
  onTestFinished(() => connection.destroy());
  return connection;
}

/** A data source that knows only the first migrations. */
async function open(url: string, count: number) {
  const config = parseDatabaseConfig({
    DATABASE_URL: url,
    DATABASE_POOL_SIZE: '1',
  });
  const dataSource = await createDataSource(config);
  const migrations = mysqlMigrations.slice(0, count);
  await dataSource.setOptions({ migrations }).initialize();
  onTestFinished(() => dataSource.destroy());
  return dataSource;
}

it.each(CHANGE_TABLES)(
  '%s lets writes go on while a transaction uses the tables, and is done after it',
  async (name) => {
    const database = await createMysqlDatabase(inject('mysqlUrl'));
    onTestFinished(() => database.remove());
    const { url } = database;
    const index = NAMES.indexOf(name);
    await (await open(url, index)).runMigrations();
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue();

    const reader = await connect(url);
    await reader.query('BEGIN');
    await reader.query('SELECT 1 FROM chat_sessions JOIN chat_messages');
    const dataSource = await open(url, index + 1);
    const migrating = dataSource.runMigrations();
    const writer = await connect(url);
    await writer.query(`SET lock_wait_timeout = ${WRITE_WAIT_SECONDS}`);
    try {
      for (let n = 0; n < WRITES; n++) {
        await sleep(PAUSE_MS);
        await writer.query(INSERT_SESSION, [n]);
        await writer.query(INSERT_MESSAGE, [n]);
      }
      const [done] = await writer.query('SELECT name FROM migrations');
      expect(done).toEqual(NAMES.slice(0, index).map((one) => ({ name: one })));
    } finally {
      await reader.query('COMMIT');
      await migrating;
    }
    expect(await dataSource.showMigrations()).toBe(false);
    expect(warn.mock.calls).toEqual([
      [
        'A migration waits for transactions that use its table, and tries again for up to 10 minutes',
      ],
    ]);
    const [timeout] = await dataSource.query<object[]>(
      'SELECT @@SESSION.lock_wait_timeout = @@GLOBAL.lock_wait_timeout AS restored',
    );
    expect(timeout).toEqual({ restored: 1 });
  },
);
