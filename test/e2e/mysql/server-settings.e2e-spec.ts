import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMysql } from '../../../src/database/mysql/connection.js';
import { append, createSession, getSession } from '../../support/api.js';
import { createMysqlDatabase } from '../../support/mysql-database.js';
import {
  type MysqlServer,
  startMysqlServer,
} from '../../support/mysql-server.js';
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
      ],
    });
    const connection = await connectMysql(server.url);
    await connection.query(
      'SET GLOBAL foreign_key_checks = 0, GLOBAL sql_select_limit = 3, GLOBAL max_prepared_stmt_count = 0',
    );
    await connection.end();
    const { url } = await createMysqlDatabase(server.url);
    const createDatabase = async () => ({ url, remove: async () => {} });
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

  it('keeps the times of its clock', async () => {
    const [api] = apps;
    const before = Date.now();
    const { created_at } = await createSession(api);
    expect(Math.abs(Date.parse(created_at) - before)).toBeLessThan(60_000);
  });
});
