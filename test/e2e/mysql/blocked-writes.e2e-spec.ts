import type { Connection } from 'mysql2/promise';
import { describe, expect, it, onTestFinished } from 'vitest';
import { append, createSession } from '../../support/api.js';
import { connectMysql } from '../../support/mysql-connection.js';
import { createMysqlDatabase } from '../../support/mysql-database.js';
import { startMysqlServer } from '../../support/mysql-server.js';
import { inParallel } from '../../support/parallel.js';
import { type TestApp, useTestApp } from '../../support/test-app.js';

const MESSAGE = { role: 'user', content: 'Hello' };

/** On a server of its own, which some of these statements block as a whole. */
async function createDatabase() {
  const server = await startMysqlServer();
  const { url } = await createMysqlDatabase(server.url);
  return { url, remove: () => server.stop() };
}

/** A connection of somebody else, until the end of the test. */
async function stranger(api: TestApp): Promise<Connection> {
  const connection = await connectMysql(api.database.url);
  onTestFinished(() => connection.destroy());
  return connection;
}

async function run(connection: Connection, statements: string[]) {
  for (const sql of statements) await connection.query(sql);
}

/** How many statements of others run or wait. */
async function statementsIn(connection: Connection): Promise<number> {
  const [rows] = await connection.query(
    "SELECT 1 FROM information_schema.processlist WHERE command = 'Query' AND id <> CONNECTION_ID()",
  );
  return (rows as unknown[]).length;
}

async function metadataLockAwaited(connection: Connection): Promise<void> {
  const states = async () => {
    const [rows] = await connection.query('SHOW PROCESSLIST');
    return (rows as { State: string | null }[]).map(({ State }) => State);
  };
  await expect
    .poll(states, { timeout: 60_000 })
    .toContain('Waiting for table metadata lock');
}

describe('reads and readiness go on while writes wait for', () => {
  const api = useTestApp({ createDatabase, environment: { CACHE: 'off' } });

  it.each<[string, (id: string) => string[], string[]]>([
    [
      'a dump that holds LOCK TABLES READ',
      () => ['LOCK TABLES chat_sessions READ, chat_messages READ'],
      ['UNLOCK TABLES'],
    ],
    [
      'FLUSH TABLES WITH READ LOCK',
      () => ['FLUSH TABLES WITH READ LOCK'],
      ['UNLOCK TABLES'],
    ],
    [
      'a row that a transaction has locked',
      (id) => [
        'BEGIN',
        `SELECT 1 FROM chat_sessions WHERE id = '${id}' FOR UPDATE`,
      ],
      ['ROLLBACK'],
    ],
    [
      // The server waits for space inside INSERT, as the trigger waits for a lock.
      'a full disk (imitated)',
      () => [
        `CREATE TRIGGER full_disk BEFORE INSERT ON chat_messages FOR EACH ROW
         BEGIN DO GET_LOCK('disk', 3600); DO RELEASE_LOCK('disk'); END`,
        "DO GET_LOCK('disk', 0)",
      ],
      ["DO RELEASE_LOCK('disk')"],
    ],
  ])('%s', async (_, block, release) => {
    const { id } = await createSession(api);
    const other = await stranger(api);
    await run(other, block(id));
    await expectOnlyWritesToWait(id, other, release);
  });

  it('an ALTER that waits for a writing transaction before it copies the table', async () => {
    const { id } = await createSession(api);
    const writer = await stranger(api);
    await run(writer, [
      'BEGIN',
      "SELECT 1 FROM chat_sessions WHERE id = '' FOR UPDATE",
    ]);
    const altering = (await stranger(api)).query(
      'ALTER TABLE chat_sessions FORCE, ALGORITHM=COPY, LOCK=SHARED',
    );
    await metadataLockAwaited(writer);
    await expectOnlyWritesToWait(id, writer, ['COMMIT']);
    await altering;
  });

  async function expectOnlyWritesToWait(
    id: string,
    other: Connection,
    release: string[],
  ) {
    const writes = inParallel(60, () => append(api, id, MESSAGE));
    const waiting = () => statementsIn(other);
    await expect.poll(waiting, { timeout: 60_000 }).toBeGreaterThan(10);
    const reads = await inParallel(100, () =>
      api.send('GET', `/api/chat-sessions/${id}`),
    );
    expect(new Set(reads.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await api.send('GET', '/health/ready')).status).toBe(200);
    await run(other, release);
    for (const { status } of await writes) expect(status).toBe(201);
  }
});

describe('a full disk that the server reports (imitated)', () => {
  const api = useTestApp({ createDatabase, environment: { CACHE: 'off' } });

  it.each([1021, 1114])('makes writes 503, and no reads: %i', async (errno) => {
    const { id } = await createSession(api);
    const other = await stranger(api);
    await other.query(
      `CREATE TRIGGER full_disk BEFORE INSERT ON chat_messages FOR EACH ROW
       SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${errno}`,
    );
    const refused = await append(api, id, MESSAGE);
    expect([refused.status, refused.headers['retry-after']]).toEqual([
      503,
      '10',
    ]);
    expect(refused.body).toMatchObject({ code: 'store_unusable' });
    const read = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(read.status).toBe(200);
    await other.query('DROP TRIGGER full_disk');
    expect((await append(api, id, MESSAGE)).status).toBe(201);
  });
});

describe('an ALTER that waits for a transaction', () => {
  const api = useTestApp({
    createDatabase,
    environment: { CACHE: 'off', REQUEST_DEADLINE_MS: '5000' },
  });

  it('makes the server block reads as well: 503 at the deadline, and all is well afterwards', async () => {
    const { id } = await createSession(api);
    const reader = await stranger(api);
    await run(reader, ['BEGIN', 'SELECT 1 FROM chat_sessions']);
    const altering = (await stranger(api)).query(
      'ALTER TABLE chat_sessions ADD COLUMN more int NULL',
    );
    await metadataLockAwaited(reader);
    const send = () =>
      inParallel(40, (n) =>
        n % 2
          ? append(api, id, MESSAGE)
          : api.send('GET', `/api/chat-sessions/${id}`),
      );
    for (const { status, headers } of await send()) {
      expect([status, headers['retry-after']]).toEqual([503, '1']);
    }
    expect((await api.send('GET', '/health/ready')).status).toBe(200);
    await run(reader, ['COMMIT']);
    await altering;
    const statuses = async () =>
      new Set((await send()).map(({ status }) => status));
    await expect
      .poll(statuses, { timeout: 60_000 })
      .toEqual(new Set([200, 201]));
  });
});
