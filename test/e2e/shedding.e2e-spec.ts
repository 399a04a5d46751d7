import { expect, inject, it } from 'vitest';
import { connectMysql } from '../../src/database/mysql/connection.js';
import { append, createSession } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';
import { sqliteConnectionOf } from '../support/test-database.js';

const DEADLINE_MS = 1_000;
/** What an answer may take beyond the deadline, with 1,500 requests in one process. */
const SLACK_MS = 4_000;

const api = useTestApp({
  environment: { REQUEST_DEADLINE_MS: String(DEADLINE_MS) },
});
/** A second connection to the same store. */
const others = useTestApp({
  createDatabase: async () => ({
    url: api.database.url,
    remove: async () => undefined,
  }),
});

/** Keeps everybody else from writing to the session; resolves to what ends that. */
async function lock(id: string): Promise<() => Promise<void>> {
  if (inject('store') === 'sqlite') {
    const connection = sqliteConnectionOf(others.dataSource);
    connection.exec('BEGIN IMMEDIATE');
    return async () => void connection.exec('ROLLBACK');
  }
  const connection = await connectMysql(api.database.url);
  await connection.query('BEGIN');
  await connection.query(
    'SELECT 1 FROM chat_sessions WHERE id = ? FOR UPDATE',
    [id],
  );
  return () => connection.end();
}

it('writes that cannot be done in time are shed, and the next ones succeed', async () => {
  const { id } = await createSession(api);
  const message = { role: 'user', content: 'Hello' };
  const unlock = await lock(id);
  const start = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 1_500 }, async () => {
      const { status, headers, text } = await append(api, id, message);
      return {
        status,
        text,
        retry: headers['retry-after'],
        ms: performance.now() - start,
      };
    }),
  );
  await unlock();
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  expect(new Set(answers.map(({ retry }) => retry))).toEqual(new Set(['1']));
  expect(
    answers.filter(({ text }) => text.includes('Too many')).length,
  ).toBeGreaterThan(400);
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(
    DEADLINE_MS + SLACK_MS,
  );
  const afterwards = await Promise.all(
    Array.from({ length: 20 }, () => append(api, id, message)),
  );
  expect(afterwards.map(({ status }) => status)).toEqual(Array(20).fill(201));
});
