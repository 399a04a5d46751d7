import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDatabaseConfig } from '../../../src/app/config/parse-config.js';
import { openDataSource } from '../../../src/app/database/data-source.js';
import { append, createSession, getSession } from '../../support/api.js';
import { connectMysql } from '../../support/mysql-connection.js';
import { createMysqlDatabase } from '../../support/mysql-database.js';
import {
  type MysqlServer,
  startMysqlServer,
} from '../../support/mysql-server.js';
import { PATIENCE } from '../../support/patience.js';
import { TestApp } from '../../support/test-app.js';

const MESSAGE = { role: 'user', content: "It's 5 o'clock \\ somewhere" };

describe('a server whose sessions begin with unusual settings', () => {
  let server: MysqlServer;
  /** Two instances on one database. */
  let apps: [TestApp, TestApp];

  beforeAll(async () => {
    server = await startMysqlServer({
      options: [
        '--autocommit=0',
        '--completion-type=CHAIN',
        '--skip-character-set-client-handshake',
        '--sql-mode=NO_BACKSLASH_ESCAPES',
        '--transaction-isolation=READ-UNCOMMITTED',
        '--default-time-zone=+05:30',
        '--character-set-server=latin1',
        '--collation-server=latin1_swedish_ci',
        '--innodb-lock-wait-timeout=3600',
        '--init-connect=SET unique_checks = 0; SET SESSION TRANSACTION READ ONLY',
      ],
    });
    const url = new URL((await createMysqlDatabase(server.url)).url);
    const connection = await connectMysql(server.url);
    await connection.query(
      'SET GLOBAL foreign_key_checks = 0, GLOBAL sql_select_limit = 3, GLOBAL sql_safe_updates = 1, GLOBAL max_statement_time = 0.5, GLOBAL max_prepared_stmt_count = 0',
    );
    // init_connect does not apply to root.
    await connection.query("CREATE USER service@'127.0.0.1'");
    await connection.query(
      `GRANT ALL ON ${url.pathname.slice(1)}.* TO service@'127.0.0.1'`,
    );
    await connection.end();
    url.username = 'service';
    const createDatabase = async () => ({
      url: url.href,
      remove: async () => {},
    });
    const [a, b] = [
      new TestApp({ createDatabase }),
      new TestApp({ createDatabase }),
    ];
    apps = [await a.start(), await b.start()];
  });

  afterAll(async () => {
    for (const api of apps ?? []) await api.stop();
    await server?.stop();
  });

  it('serves what another instance has written', async () => {
    const [reader, writer] = apps;
    const { id } = await createSession(writer);
    for (let count = 0; count < 5; count++) {
      expect((await getSession(reader, id)).message_count).toBe(count);
      expect((await append(writer, id, MESSAGE)).status).toBe(201);
    }
    const { messages } = await getSession(reader, id);
    expect(messages.map(({ content }) => content)).toEqual(
      Array(5).fill(MESSAGE.content),
    );
  });

  it('deletes the messages of a session with it', async () => {
    const [api] = apps;
    const { id } = await createSession(api);
    await append(api, id, MESSAGE);
    await api.send('DELETE', `/api/chat-sessions/${id}`);
    const rows = await api.dataSource.query<unknown[]>(
      'SELECT 1 FROM chat_messages WHERE session_id = ?',
      [id],
    );
    expect(rows).toEqual([]);
  });

  it('sets what it relies on', async () => {
    const [api] = apps;
    const rows = await api.dataSource.query<object[]>(
      'SELECT SLEEP(1) AS ended, @@innodb_lock_wait_timeout AS lockWait, @@sql_safe_updates AS safeUpdates, @@foreign_key_checks AS foreignKeys, @@unique_checks AS uniqueKeys',
    );
    expect(rows.map((row) => Object.values(row).map(Number))).toEqual([
      [0, 1, 0, 1, 1],
    ]);
    // MySQL and MariaDB name them differently.
    const access = await api.dataSource.query<object[]>(
      "SHOW SESSION VARIABLES WHERE Variable_name REGEXP '^(tx|transaction)_(isolation|read_only)$'",
    );
    const values = new Set(
      access.map((row) => Object.values(row)[1] as string),
    );
    expect([...values].toSorted()).toEqual(['OFF', 'REPEATABLE-READ']);
  });

  it('waits for a migration of another process', async () => {
    const [api] = apps;
    const other = await connectMysql(api.database.url);
    await other.query('START TRANSACTION READ WRITE');
    await other.query('SELECT id FROM migration_lock FOR UPDATE');
    const config = parseDatabaseConfig({
      ...PATIENCE,
      DATABASE_URL: api.database.url,
      DATABASE_MIGRATE: 'true',
    });
    const [dataSource] = await Promise.all([
      openDataSource(config),
      sleep(1_500).then(() => other.end()),
    ]);
    expect(await dataSource.showMigrations()).toBe(false);
    await dataSource.destroy();
  });

  it('has no statement prepared', async () => {
    const [api] = apps;
    const count = await api.dataSource.query<object[]>(
      "SHOW GLOBAL STATUS LIKE 'Com_stmt_prepare'",
    );
    expect(count).toEqual([{ Variable_name: 'Com_stmt_prepare', Value: '0' }]);
  });

  it('keeps the times of its clock', async () => {
    const [api] = apps;
    const before = Date.now();
    const { created_at } = await createSession(api);
    expect(Date.parse(created_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(created_at)).toBeLessThanOrEqual(Date.now());
  });
});
