import { expect, it } from 'vitest';
import { append, createSession, getSession } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const environment = { CACHE: 'validated' };
const api = useTestApp({ environment });
/** On the same database. */
const other = useTestApp({
  environment,
  createDatabase: () =>
    Promise.resolve({ ...api.database, remove: () => Promise.resolve() }),
});

const TABLES = ['chat_sessions', 'chat_messages'];

/** Copies the rows of a session, and returns a function that restores them. */
async function backUp(id: string) {
  const keys = ['id', 'session_id'];
  const tables = await Promise.all(
    TABLES.map((table, index) =>
      api.dataSource.query<Record<string, unknown>[]>(
        `SELECT * FROM ${table} WHERE ${keys[index]} = ?`,
        [id],
      ),
    ),
  );
  return async function restore(): Promise<void> {
    await api.dataSource.query('DELETE FROM chat_sessions WHERE id = ?', [id]);
    for (const [index, rows] of tables.entries()) {
      for (const row of rows) {
        const names = Object.keys(row).map((name) =>
          api.dataSource.driver.escape(name),
        );
        await api.dataSource.query(
          `INSERT INTO ${TABLES[index]} (${names.join()}) VALUES (${names.map(() => '?').join()})`,
          Object.values(row),
        );
      }
    }
  };
}

it.each([
  ['the instance that wrote it', api],
  ['another instance, which has cached it', other],
])('%s has no ETag of a version that was lost', async (_, reader) => {
  const { id } = await createSession(api);
  const path = `/api/chat-sessions/${id}`;
  await append(api, id, { role: 'user', content: 'kept' });
  const restore = await backUp(id);

  const lost = await append(api, id, { role: 'user', content: 'lost' });
  const tagOfLost = lost.headers.etag!;
  // Fills the cache.
  for (let times = 0; times < 2; times++) {
    const { headers } = await reader.send('GET', path);
    expect(headers.etag).toBe(tagOfLost);
  }

  await restore();
  const again = await append(api, id, { role: 'user', content: 'again' });
  expect(again.status).toBe(201);

  // The versions are equal.
  const session = await getSession(reader, id);
  expect(session.version).toBe(3);
  expect(session.messages.map(({ content }) => content)).toEqual([
    'kept',
    'again',
  ]);
  const read = await reader.send('GET', path, undefined, {
    'If-None-Match': tagOfLost,
  });
  expect(read.status).toBe(200);
  expect(read.headers.etag).toBe(again.headers.etag);
  const ifMatch = { 'If-Match': tagOfLost };
  const write = await reader.send('PATCH', path, { title: 'x' }, ifMatch);
  expect(write.status).toBe(412);
});

it('has the ETag of the version that was restored', async () => {
  const { id } = await createSession(api);
  const path = `/api/chat-sessions/${id}`;
  const before = await api.send('GET', path);
  const restore = await backUp(id);
  await append(api, id, { role: 'user', content: 'lost' });
  await restore();
  const headers = { 'If-None-Match': before.headers.etag! };
  expect((await api.send('GET', path, undefined, headers)).status).toBe(304);
});
