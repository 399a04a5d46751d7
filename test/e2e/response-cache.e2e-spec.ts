import { afterEach, describe, expect, it, vi } from 'vitest';
import { Database } from '../../src/database/database.js';
import { StoreUnavailableError } from '../../src/database/errors.js';
import { append, createSession, type Session } from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { perStore } from '../support/stores.js';
import { type TestApp, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const MESSAGE = { role: 'user', content: 'More' };

async function get(api: TestApp, id: string, headers = {}) {
  const path = `/api/chat-sessions/${id}`;
  const response = await api.send<{ chat_session: Session }>(
    'GET',
    path,
    undefined,
    headers,
  );
  return { ...response, session: response.body?.chat_session };
}

/** Changes a title past the service. */
async function rename(
  { dataSource }: TestApp,
  id: string,
  title: string,
): Promise<void> {
  const runner = dataSource.createQueryRunner();
  try {
    const sql = 'UPDATE chat_sessions SET title = ? WHERE id = ?';
    await runner.query(sql, [title, id]);
  } finally {
    await runner.release();
  }
}

const WRITES: [string, (api: TestApp, id: string) => Promise<unknown>][] = [
  ['append', (api, id) => append(api, id, MESSAGE)],
  [
    'append with a key',
    (api, id) => append(api, id, MESSAGE, { 'idempotency-key': `key ${id}` }),
  ],
  ['clear', (api, id) => api.send('POST', `/api/chat-sessions/${id}/clear`)],
  [
    'configure',
    (api, id) =>
      api.send('PUT', `/api/chat-sessions/${id}/config`, {
        config: { model: 'another' },
      }),
  ],
  [
    'change',
    (api, id) =>
      api.send('PATCH', `/api/chat-sessions/${id}`, { title: 'New' }),
  ],
];

describe.each(['validated', 'exclusive', 'off'])('CACHE=%s', (CACHE) => {
  const api = useTestApp({ environment: { CACHE } });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each(WRITES)(
    'answers the new session after a write: %s',
    async (_, write) => {
      const { id } = await createSession(api, {}, 2);
      const before = await get(api, id);
      expect((await get(api, id)).text).toBe(before.text);
      await write(api, id);
      const after = await get(api, id, {
        'if-none-match': before.headers.etag,
      });
      expect(after.status).toBe(200);
      expect(after.session.version).toBe(2);
      expect(after.headers.etag).not.toBe(before.headers.etag);
      expect((await get(api, id)).text).toBe(after.text);
    },
  );

  it('forgets a session that was deleted', async () => {
    const { id } = await createSession(api, {}, 2);
    await get(api, id);
    await api.send('DELETE', `/api/chat-sessions/${id}`);
    expect((await get(api, id)).status).toBe(404);
    const { created_at } = await createSession(api, { id });
    expect((await get(api, id)).session).toMatchObject({
      created_at,
      messages: [],
    });
  });

  it('answers as many messages as the query asks for', async () => {
    const { id } = await createSession(api, {}, 3);
    for (const count of [1, 2, 1, 0, 3]) {
      const { body } = await api.send<{ chat_session: Session }>(
        'GET',
        `/api/chat-sessions/${id}?messages=${count}`,
      );
      expect(body.chat_session.messages).toHaveLength(count);
    }
  });

  it('answers with the same headers from memory and from the store', async () => {
    const { id } = await createSession(api, {}, 2);
    const [first, second] = [await get(api, id), await get(api, id)];
    for (const { headers } of [first, second]) {
      delete headers['x-request-id'];
      delete headers.date;
    }
    expect(second).toEqual(first);
    expect(first.headers['content-type']).toBe(
      'application/json; charset=utf-8',
    );
  });

  it('answers from memory unless it is off', async () => {
    const { id } = await createSession(api, { title: 'Old' }, 2);
    await get(api, id);
    await rename(api, id, 'Past the service');
    const { session } = await get(api, id);
    expect(session.title).toBe(CACHE === 'off' ? 'Past the service' : 'Old');
  });

  it('does not keep a session that a write changed while it was read', async () => {
    const { id } = await createSession(api);
    const database = api.app.get(Database);
    const read = database.read.bind(database);
    vi.spyOn(database, 'read').mockImplementationOnce(async (work) => {
      const result = await read(work);
      await append(api, id, MESSAGE);
      return result;
    });
    const overtaken = await get(api, id);
    expect(overtaken.session.version).toBe(1);
    expect((await get(api, id)).session.version).toBe(2);
  });

  it('answers the new session after a write of unknown outcome', async () => {
    const { id } = await createSession(api);
    await get(api, id);
    const database = api.app.get(Database);
    const write = database.write.bind(database);
    vi.spyOn(database, 'write').mockImplementationOnce(async (work) => {
      await write(work);
      throw new StoreUnavailableError('outcome_unknown');
    });
    expect((await append(api, id, MESSAGE)).status).toBe(503);
    expect((await get(api, id)).session.version).toBe(2);
    // A write of unknown outcome may still commit, so the cache must ask the store.
    await rename(api, id, 'Past the service');
    await append(api, id, MESSAGE);
    expect((await get(api, id)).session.version).toBe(3);
  });

  it('never answers a session older than a response to its writer', async () => {
    const { id } = await createSession(api);
    await inParallel(8, async () => {
      for (let n = 0; n < 40; n++) {
        const { body } = await append(api, id, MESSAGE);
        const { session } = await get(api, id);
        expect(session.message_count).toBeGreaterThanOrEqual(body.message.seq);
      }
    });
  });
});

describe('a session in memory', () => {
  const api = useTestApp({ environment: { ...JWT_MODE, CACHE: 'exclusive' } });

  it('is a 404 for another owner', async () => {
    const { body } = await api.send<{ chat_session: Session }>(
      'POST',
      '/api/chat-sessions',
      {},
      await as('alice'),
    );
    const { id } = body.chat_session;
    const [alice, bob] = [await as('alice'), await as('bob')];
    const statuses = [];
    for (const owner of [alice, bob, alice, bob]) {
      statuses.push((await get(api, id, owner)).status);
    }
    expect(statuses).toEqual([200, 404, 200, 404]);
  });
});

describe('two instances on one database', () => {
  const here = useTestApp();
  const there = useTestApp({
    createDatabase: async () => ({
      url: here.database.url,
      remove: async () => undefined,
    }),
  });
  const PAIRS = perStore({ sqlite: 1_000, mysql: 10_000 });
  const CLIENTS = 8;

  it(
    'agree: one answers what the other wrote',
    { timeout: 600_000 },
    async () => {
      let stale = 0;
      await inParallel(CLIENTS, async () => {
        const { id } = await createSession(here);
        for (let pair = 0; pair < PAIRS / CLIENTS; pair++) {
          const { body } = await append(here, id, MESSAGE);
          const path = `/api/chat-sessions/${id}?messages=1`;
          const response = await there.send<{ chat_session: Session }>(
            'GET',
            path,
          );
          const [newest] = response.body.chat_session.messages;
          if (newest?.id !== body.message.id) stale++;
        }
      });
      expect(stale).toBe(0);
    },
  );
});
