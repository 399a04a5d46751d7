import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
  vi,
} from 'vitest';
import { Purger } from '../../src/chat-sessions/removal/purger.js';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatPurge } from '../../src/chat-sessions/store/entities/chat-purge.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { HiddenMessagesRepository } from '../../src/chat-sessions/store/hidden-messages.repository.js';
import {
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  listSessions,
  numbers,
  sendCreate,
} from '../support/api.js';
import { TestApp, useTestApp } from '../support/test-app.js';
import { undoMigrations } from '../support/test-database.js';

/** More than one transaction removes. */
const LONG = 2_100;
const SECTION = { document_id: 'doc', section_id: 'sec' };

const api = useTestApp();
let purger: Purger;
let wake: { mock: { calls: unknown[] } };

beforeEach(() => {
  purger = api.app.get(Purger);
  // The rows stay until a test runs the purger.
  wake = vi.spyOn(purger, 'wake').mockImplementation(() => undefined);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await purger.run();
});

function purges(): Promise<number> {
  return api.dataSource.getRepository(ChatPurge).count();
}

/** A session with the messages m1, m2 ... */
async function longSession(fields: object = {}, count = LONG): Promise<string> {
  const { id } = await createSession(api, fields);
  await appendMany(id, count, 'old');
  return id;
}

async function appendMany(id: string, count: number, content: string) {
  for (let from = 1; from <= count; from += 100) {
    const messages = numbers(from, Math.min(from + 99, count)).map((n) => ({
      id: `m${n}`,
      role: 'user',
      content,
    }));
    expect((await append(api, id, { messages })).status).toBe(201);
  }
}

function rowsOf(sessionId: string): Promise<number> {
  return api.dataSource.getRepository(ChatMessage).countBy({ sessionId });
}

function clear(id: string, headers: Record<string, string> = {}) {
  return api.send('POST', `/api/chat-sessions/${id}/clear`, undefined, headers);
}

function remove(id: string) {
  return api.send('DELETE', `/api/chat-sessions/${id}`);
}

describe('the clear of a long conversation', () => {
  it('takes the messages out of sight at once, and their rows later', async () => {
    const id = await longSession();
    expect((await clear(id)).status).toBe(200);
    expect(wake.mock.calls).toHaveLength(1);
    expect(await rowsOf(id)).toBe(LONG);

    const path = `/api/chat-sessions/${id}`;
    expect(await getSession(api, id)).toMatchObject({
      message_count: 0,
      messages: [],
      last_message_at: null,
    });
    expect((await getPage(api, id)).messages).toEqual([]);
    expect((await api.send('GET', `${path}/messages/m1`)).status).toBe(404);

    await purger.run();
    expect(await rowsOf(id)).toBe(0);
    expect(await purges()).toBe(0);
    expect(await getSession(api, id)).toMatchObject({ message_count: 0 });
  });

  it('frees the ids of the messages', async () => {
    const id = await longSession();
    await clear(id);
    await appendMany(id, 150, 'new');
    const { messages } = await getPage(api, id, 'limit=200');
    expect(messages.map((message) => message.id)).toEqual(
      numbers(1, 150).map((n) => `m${n}`),
    );
    expect(messages.every(({ content }) => content === 'new')).toBe(true);
    // Sent again, they are what was stored after the clear.
    const again = { id: 'm1', role: 'user', content: 'new' };
    expect((await append(api, id, again)).status).toBe(200);

    await purger.run();
    expect(await rowsOf(id)).toBe(150);
    expect(await getPage(api, id, 'limit=200')).toMatchObject({
      messages,
      has_before: false,
    });
  });

  it('is final for a request that is sent again', async () => {
    const id = await longSession();
    const key = { 'Idempotency-Key': 'before the clear' };
    const message = { id: 'mine', role: 'user', content: 'x' };
    await append(api, id, message, key);
    await clear(id);
    const again = await append(api, id, message, key);
    expect(again.status).toBe(404);
    expect(again.body).toMatchObject({ code: 'messages_gone' });
  });

  it('derives a title from the messages after it only', async () => {
    const id = await longSession({ title: 'x' });
    await api.send('PATCH', `/api/chat-sessions/${id}`, { title: null });
    await clear(id);
    await append(api, id, { role: 'assistant', content: 'hello' });
    await append(api, id, { role: 'user', content: 'A title' });
    expect((await getSession(api, id)).title).toBe('A title');
  });

  it('is needed for large messages, too', async () => {
    const { id } = await createSession(api);
    for (const n of numbers(1, 18)) {
      const content = `${n}`.padEnd(1024 * 1024, 'x');
      await append(api, id, { role: 'user', content });
    }
    await clear(id);
    expect(await rowsOf(id)).toBe(18);
    await purger.run();
    expect(await rowsOf(id)).toBe(0);
  });

  it('leaves nothing to do of a short one', async () => {
    const { id } = await createSession(api, {}, 3);
    await clear(id);
    expect(await rowsOf(id)).toBe(0);
    expect((await remove(id)).status).toBe(204);
    expect(wake.mock.calls).toHaveLength(0);
  });
});

describe('the delete of a long conversation', () => {
  it('takes it out of sight at once, and its rows later', async () => {
    const id = await longSession({ ...SECTION, title: 'secret' });
    expect((await remove(id)).status).toBe(204);
    expect(wake.mock.calls).toHaveLength(1);
    expect(await rowsOf(id)).toBe(LONG);

    const path = `/api/chat-sessions/${id}`;
    expect((await api.send('GET', path)).status).toBe(404);
    expect((await remove(id)).status).toBe(404);
    const { chat_sessions } = await listSessions(api, 'document_id=doc');
    expect(chat_sessions).toEqual([]);
    const sessions = api.dataSource.getRepository(ChatSession);
    expect(await sessions.findOneBy({ id })).toMatchObject({
      title: null,
      preview: null,
    });
    // The section is free.
    const { id: next } = await createSession(api, SECTION);
    expect((await remove(next)).status).toBe(204);

    await purger.run();
    expect(await rowsOf(id)).toBe(0);
    expect(await sessions.existsBy({ id })).toBe(false);
    expect(await purges()).toBe(0);
  });

  it('frees the id once the rows are gone; until then a create gets 503', async () => {
    const id = await longSession();
    await remove(id);
    const early = await sendCreate(api, { id });
    expect(early.status).toBe(503);
    expect(early.headers['retry-after']).toBe('1');
    expect(early.body).toEqual(
      errorBody(
        'Chat session with this id is still being deleted',
        'session_being_deleted',
      ),
    );
    await purger.run();
    await createSession(api, { id });
    await append(api, id, { role: 'user', content: 'new' });
    expect((await getSession(api, id)).messages).toMatchObject([
      { seq: 1, content: 'new' },
    ]);
  });

  it.each([0, 1, LONG])(
    'after a clear whose rows are still there, with %i messages since',
    async (count) => {
      const id = await longSession();
      await clear(id);
      await appendMany(id, count, 'new');
      expect((await remove(id)).status).toBe(204);
      expect(await rowsOf(id)).toBe(LONG + count);
      await purger.run();
      expect(await rowsOf(id)).toBe(0);
      await createSession(api, { id });
    },
  );
});

it('a session that was created again keeps its messages', async () => {
  const id = await longSession();
  await clear(id);
  // An instance of the version before knows no purges.
  await api.dataSource.getRepository(ChatSession).delete({ id });
  await createSession(api, { id }, 3);
  await purger.run();
  expect(await rowsOf(id)).toBe(3);
  expect(await purges()).toBe(0);
});

it('a session whose rows cannot be removed does not hold up others', async () => {
  const ids = [await longSession(), await longSession()].toSorted();
  for (const id of ids) await remove(id);
  const messages = api.app.get(HiddenMessagesRepository);
  const deleteBatch = messages.deleteBatch.bind(messages);
  vi.spyOn(messages, 'deleteBatch').mockImplementation((key, range) => {
    if (key.sessionId === ids[0]) throw new Error('on purpose');
    return deleteBatch(key, range);
  });
  await expect(purger.run()).rejects.toThrow('on purpose');
  expect(await Promise.all(ids.map(rowsOf))).toEqual([LONG, 0]);
});

it('goes on in another instance where one has stopped', async () => {
  const id = await longSession();
  await clear(id);
  const stopped = new TestApp({
    createDatabase: () =>
      Promise.resolve({ url: api.database.url, remove: async () => {} }),
  });
  onTestFinished(() => stopped.stop());
  await stopped.start();
  const itsPurger = stopped.app.get(Purger);
  const running = itsPurger.run();
  // It ends after the batch in progress.
  await itsPurger.onModuleDestroy();
  await running;
  const left = await rowsOf(id);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(LONG);
  expect(await getSession(api, id)).toMatchObject({ message_count: 0 });
  await purger.run();
  expect(await rowsOf(id)).toBe(0);
});

it('removes the rows of a clear and a delete without being asked', async () => {
  vi.restoreAllMocks();
  const cleared = await longSession();
  const deleted = await longSession();
  await clear(cleared);
  await remove(deleted);
  await expect.poll(() => rowsOf(cleared), { timeout: 60_000 }).toBe(0);
  await expect.poll(() => rowsOf(deleted), { timeout: 60_000 }).toBe(0);
});

it('leaves no row to the version before, when the migrations since are reverted', async () => {
  const database = new TestApp({});
  onTestFinished(() => database.stop());
  await database.start();
  vi.spyOn(database.app.get(Purger), 'wake').mockImplementation(
    () => undefined,
  );
  const sizes = numbers(1, 21);
  const ids = await Promise.all(
    ['cleared', 'deleted'].map(async () => {
      const { id } = await createSession(database);
      for (const _ of sizes) {
        const messages = numbers(1, 100).map(() => ({
          role: 'user',
          content: 'x',
        }));
        await append(database, id, { messages });
      }
      return id;
    }),
  );
  await database.send('POST', `/api/chat-sessions/${ids[0]}/clear`);
  await append(database, ids[0]!, { role: 'user', content: 'kept' });
  await database.send('DELETE', `/api/chat-sessions/${ids[1]}`);
  await undoMigrations(database.dataSource, 'AddRevisionsAndPurges');
  const messages = await database.dataSource.query<object[]>(
    'SELECT session_id, content FROM chat_messages',
  );
  expect(messages).toEqual([{ session_id: ids[0], content: 'kept' }]);
  const sessions = await database.dataSource.query<object[]>(
    'SELECT id FROM chat_sessions',
  );
  expect(sessions).toEqual([{ id: ids[0] }]);
  await database.dataSource.runMigrations();
});
