import mysql from 'mysql2';
import { beforeAll, expect, it, vi } from 'vitest';
import { Database } from '../../../src/database/database.js';
import {
  send,
  StatementFailedError,
} from '../../../src/database/mysql/statements.js';
import { COMMIT, statement } from '../../../src/database/unit-of-work.js';
import { append, createSession } from '../../support/api.js';
import { useTestApp } from '../../support/test-app.js';

const MESSAGE = { role: 'user', content: 'hello' };

const api = useTestApp();
let id: string;

beforeAll(async () => {
  ({ id } = await createSession(api, {}, 1));
});

/** The statements that a request sends, each line in one round trip. */
async function roundTripsOf(request: () => Promise<unknown>) {
  const query = vi.spyOn(mysql.Connection.prototype, 'query');
  try {
    await request();
    const texts = query.mock.calls.map(([sql]) => sql as unknown as string);
    return texts.map((sql) => sql.replaceAll(/(\w+)[^;]*(; )?/g, '$1$2'));
  } finally {
    query.mockRestore();
  }
}

it('appends in two round trips', async () => {
  expect(await roundTripsOf(() => append(api, id, MESSAGE))).toEqual([
    'START; SELECT',
    'INSERT; UPDATE; COMMIT',
  ]);
});

it('commits a large message in a round trip of its own', async () => {
  const content = 'x'.repeat(100 * 1024);
  const large = { role: 'user', content };
  expect(await roundTripsOf(() => append(api, id, large))).toEqual([
    'START; SELECT',
    'INSERT; UPDATE',
    'COMMIT',
  ]);
});

it('creates a session with messages in two', async () => {
  expect(await roundTripsOf(() => createSession(api, {}, 3))).toEqual([
    'START; INSERT',
    'INSERT; COMMIT',
  ]);
});

it('commits with the key of a request', async () => {
  const headers = { 'idempotency-key': 'key' };
  const trips = await roundTripsOf(() => append(api, id, MESSAGE, headers));
  expect(trips).toEqual([
    'START; INSERT',
    'SELECT',
    'INSERT; UPDATE',
    'UPDATE; COMMIT',
  ]);
});

it('commits what yields no COMMIT', async () => {
  const path = `/api/chat-sessions/${id}/config`;
  const trips = await roundTripsOf(() => api.send('PUT', path, { config: {} }));
  expect(trips).toEqual(['START; SELECT', 'UPDATE', 'COMMIT']);
});

const SIGNAL = statement("SIGNAL SQLSTATE '45000'");
/** Fails after its columns. */
const LATE = statement(
  'SELECT EXP(n) FROM (SELECT 1 AS n UNION ALL SELECT 1000) AS numbers',
);

it.each([
  [[statement('DO 1'), statement('SELECT 1 AS one'), SIGNAL, COMMIT], SIGNAL],
  [[statement('DO 1'), LATE], LATE],
])('names the statement that failed', async (statements, failing) => {
  const connection = await new Promise<mysql.PoolConnection>(
    (resolve, reject) => {
      const url = new URL(api.database.url);
      const pool = mysql.createPool({
        uri: url.href,
        multipleStatements: true,
      });
      pool.getConnection((error, one) =>
        error ? reject(error) : resolve(one),
      );
    },
  );
  try {
    await expect(send(connection, statements)).rejects.toSatisfy(
      (error: StatementFailedError) => error.statement === failing,
    );
  } finally {
    connection.destroy();
  }
});

it('refuses statements after a COMMIT', async () => {
  const write = api.app.get(Database).write(function* () {
    yield [statement('DO 1'), COMMIT];
    yield [statement('DO 2')];
  });
  await expect(write).rejects.toThrow('committed already');
});

it('rolls back what fails before its COMMIT', async () => {
  const write = api.app.get(Database).write(function* () {
    yield [
      statement('UPDATE chat_sessions SET pinned = 1 WHERE id = ?', [id]),
      statement("SIGNAL SQLSTATE '45000'"),
      COMMIT,
    ];
  });
  await expect(write).rejects.toBeInstanceOf(StatementFailedError);
  const { body } = await api.send('GET', `/api/chat-sessions/${id}`);
  expect(body).toMatchObject({ chat_session: { pinned: false } });
});

/** The error that a proxy sends when it has lost its server. */
const LOST = statement("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 2013");

it.each([
  ['stays certain before COMMIT is sent', [LOST], 'store_unreachable'],
  ['is unknown with COMMIT', [LOST, COMMIT], 'outcome_unknown'],
])('the outcome %s, if a proxy loses its server', async (_, last, code) => {
  let attempts = 0;
  const write = api.app.get(Database).write(function* () {
    attempts++;
    yield last;
  });
  await expect(write).rejects.toMatchObject({ code });
  expect(attempts > 1).toBe(code === 'store_unreachable');
});
