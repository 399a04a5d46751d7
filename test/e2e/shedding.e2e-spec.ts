import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { append, createSession } from '../support/api.js';
import { connectMysql } from '../support/mysql-connection.js';
import { inParallel } from '../support/parallel.js';
import { perStore } from '../support/stores.js';
import { type TestApp, useTestApp } from '../support/test-app.js';
import { sqliteConnectionOf } from '../support/test-database.js';

const MESSAGE = { role: 'user', content: 'Hello' };

type Lock = (api: TestApp, id: string) => Promise<() => Promise<void>>;

/** Keeps everybody else from writing to the session, until the function that it resolves to is called or the test ends. */
const lock = perStore<Lock>({
  sqlite: async (api) => {
    const stranger = new Sqlite(sqliteConnectionOf(api.dataSource).name);
    onTestFinished(() => void stranger.close());
    stranger.exec('BEGIN IMMEDIATE');
    return async () => void stranger.exec('ROLLBACK');
  },
  mysql: async (api, id) => {
    const stranger = await connectMysql(api.database.url);
    onTestFinished(() => stranger.destroy());
    await stranger.query('BEGIN');
    await stranger.query(
      'SELECT 1 FROM chat_sessions WHERE id = ? FOR UPDATE',
      [id],
    );
    return () => stranger.rollback();
  },
});

describe('writes that the store cannot do in time', () => {
  const DEADLINE_MS = 5_000;
  const api = useTestApp({
    environment: { REQUEST_DEADLINE_MS: String(DEADLINE_MS) },
  });

  it('get 503 with Retry-After, and succeed later', async () => {
    const { id } = await createSession(api);
    const unlock = await lock(api, id);
    const start = performance.now();
    const responses = await inParallel(40, async () => {
      const { status, headers } = await append(api, id, MESSAGE);
      const elapsed = performance.now() - start;
      return { status, retryAfter: headers['retry-after'], elapsed };
    });
    for (const { status, retryAfter, elapsed } of responses) {
      expect([status, retryAfter]).toEqual([503, '1']);
      // The store stops trying if the next try would begin after the deadline.
      expect(elapsed).toBeGreaterThan(DEADLINE_MS / 2);
    }
    await unlock();
    const appended = async () => (await append(api, id, MESSAGE)).status;
    await expect.poll(appended, { timeout: 60_000 }).toBe(201);
  });
});

describe('writes that do not fit into the queue', () => {
  const api = useTestApp();

  it('get 503 with Retry-After at once, and the others succeed', async () => {
    const { id } = await createSession(api);
    const unlock = await lock(api, id);
    let shed = 0;
    let unlocked: Promise<void> | undefined;
    const responses = await inParallel(1_500, async () => {
      const response = await append(api, id, MESSAGE);
      if (response.status === 503 && ++shed === 400) unlocked = unlock();
      return response;
    });
    await unlocked;
    for (const { status, headers, text } of responses) {
      if (status === 201) continue;
      expect([status, headers['retry-after']]).toEqual([503, '1']);
      expect(text).toContain('Too many');
    }
    const done = responses.filter(({ status }) => status === 201);
    expect(done.length).toBeGreaterThan(200);
    const later = await inParallel(20, () => append(api, id, MESSAGE));
    for (const { status } of later) expect(status).toBe(201);
  });
});
