import Sqlite from 'better-sqlite3';
import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  fieldsWith,
  newMessages,
} from '../../src/chat-sessions/messages/message-rules.js';
import { newSession } from '../../src/chat-sessions/sessions/session-rules.js';
import { ChatMessagesRepository } from '../../src/chat-sessions/store/chat-messages.repository.js';
import { ChatSessionsRepository } from '../../src/chat-sessions/store/chat-sessions.repository.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { Database } from '../../src/database/database.js';
import { isDuplicateKey } from '../../src/database/errors.js';
import {
  execute,
  statement,
  type Statement,
  type UnitOfWork,
} from '../../src/database/unit-of-work.js';
import { apiRequests } from '../support/api-requests.js';
import {
  append,
  createSession,
  getPage,
  getSession,
  type Message,
  NOBODYS_ID,
  numbers,
} from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { onMysql, onSqlite } from '../support/stores.js';
import { useTestApp } from '../support/test-app.js';
import { sqliteConnectionOf } from '../support/test-database.js';

/** The owner of requests without a token. */
const OWNER = 'local';
const ON_PURPOSE = new Error('on purpose');

const api = useTestApp();
let database: Database;
let sessions: ChatSessionsRepository;
let messages: ChatMessagesRepository;

beforeAll(() => {
  database = api.app.get(Database);
  sessions = api.app.get(ChatSessionsRepository);
  messages = api.app.get(ChatMessagesRepository);
});

/** Appends as the service does. If it is to fail, it fails after its last statement. */
function writeMessage(sessionId: string, content: string, fails: boolean) {
  return database.write(function* () {
    const session = yield* sessions.lock(OWNER, sessionId);
    const now = new Date();
    const added = newMessages(session, [{ role: 'user', content }], {
      now,
      parentId: null,
    });
    const first = [messages.insertion(added)];
    yield* sessions.update(session, fieldsWith(session, added), { now, first });
    if (fails) throw ON_PURPOSE;
    return content;
  });
}

function titles(): Promise<(string | null)[]> {
  return api.dataSource
    .getRepository(ChatSession)
    .find()
    .then((found) => found.map(({ title }) => title));
}

describe('Database', () => {
  it.each(['read', 'write'] as const)(
    '%s runs all of a unit of work in the context of its caller, whoever opened the connection',
    async (door) => {
      const caller = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];
      const work = function* (): UnitOfWork<void> {
        seen.push(caller.getStore());
        for (const id of ['a', 'b']) {
          yield* sessions.find(OWNER, id);
          seen.push(caller.getStore());
        }
      };
      await caller.run('Alice', () => database[door](work));
      await caller.run('Bob', () => database[door](work));
      expect(seen).toEqual(
        ['Alice', 'Bob'].flatMap((name) => [name, name, name]),
      );
    },
  );
});

describe('Database.read', () => {
  it('runs only SELECT: TestApp finds anything else', async () => {
    const sql = 'UPDATE chat_sessions SET pinned = 0 WHERE 1 = 0';
    await database.read(function* () {
      yield* sessions.find(OWNER, 'a');
      yield [statement(sql)];
    });
    expect(api.violations.splice(0)).toEqual([`Database.read runs ${sql}`]);
  });
});

describe('Database.write', () => {
  it('keeps what it acknowledged, and nobody sees what it rolled back', async () => {
    const { id } = await createSession(api);
    const acknowledged: string[] = [];
    const seen = new Set<string>();
    let isOver = false;
    const reading = inParallel(4, async () => {
      while (!isOver) {
        const page = await getPage(api, id, 'limit=200');
        for (const { content } of page.messages) seen.add(content);
      }
    });
    const writing = inParallel(16, async (writer) => {
      for (const n of numbers(1, 12)) {
        const fails = n % 3 === 0;
        const content = `${fails ? 'rolled back' : 'kept'} ${writer}.${n}`;
        const written = writeMessage(id, content, fails);
        if (fails) await expect(written).rejects.toBe(ON_PURPOSE);
        else acknowledged.push(await written);
      }
    });
    await Promise.allSettled([writing.finally(() => (isOver = true)), reading]);
    await Promise.all([writing, reading]);

    expect(acknowledged).toHaveLength(128);
    const stored = (await getPage(api, id, 'limit=200')).messages;
    const contents = stored.map(({ content }: Message) => content);
    expect(contents.toSorted()).toEqual(acknowledged.toSorted());
    expect(stored.map(({ seq }) => seq)).toEqual(numbers(1, 128));
    expect(seen.size).toBeGreaterThan(0);
    expect([...seen].filter((content) => !contents.includes(content))).toEqual(
      [],
    );
  });

  it('leaves nothing of a work that throws', async () => {
    const session = newSession(OWNER, { title: 'never' }, new Date());
    const work = database.write(function* () {
      yield* sessions.insert(session);
      const inputs = [{ role: 'user' as const, content: 'never' }];
      const added = newMessages(session, inputs, {
        now: new Date(),
        parentId: null,
      });
      yield* execute(messages.insertion(added));
      expect(yield* sessions.find(OWNER, session.id)).toBeDefined();
      throw ON_PURPOSE;
    });
    await expect(work).rejects.toBe(ON_PURPOSE);
    expect(await titles()).not.toContain('never');
  });

  it('lets a work catch a duplicate key, and go on', async () => {
    const taken = await createSession(api);
    await database.write(function* () {
      const now = new Date();
      yield* sessions.insert(newSession(OWNER, { title: 'before' }, now));
      try {
        yield* sessions.insert(newSession(OWNER, { id: taken.id }, now));
        expect.unreachable();
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      yield* sessions.insert(newSession(OWNER, { title: 'after' }, now));
    });
    expect(await titles()).toEqual(expect.arrayContaining(['before', 'after']));
  });
});

onMysql.describe('MysqlDatabase', () => {
  const PAUSE: Statement = {
    getQueryAndParameters: () => ['DO SLEEP(0.01)', []],
  };

  it('tries again after a deadlock, until both works have succeeded', async () => {
    const [a, b] = [await createSession(api), await createSession(api)];
    const holding = new Set<string>();
    let attempts = 0;
    function* pin(id: string): UnitOfWork<void> {
      const session = yield* sessions.lock(OWNER, id);
      yield* sessions.update(session, { pinned: true }, { now: new Date() });
      holding.add(id);
    }
    const pinBoth = (first: string, second: string) =>
      database.write(function* () {
        attempts++;
        yield* pin(first);
        while (holding.size < 2) yield [PAUSE];
        yield* pin(second);
      });
    await inParallel(2, (n) =>
      n === 0 ? pinBoth(a.id, b.id) : pinBoth(b.id, a.id),
    );
    expect(attempts).toBeGreaterThan(2);
    for (const { id } of [a, b]) {
      expect(await getSession(api, id)).toMatchObject({
        pinned: true,
        version: 3,
      });
    }
  });
});

onSqlite.describe('SqliteDatabase', () => {
  it('waits for a lock of another process, and blocks nobody meanwhile', async () => {
    const { id } = await createSession(api);
    const stranger = new Sqlite(sqliteConnectionOf(api.dataSource).name);
    stranger.exec('BEGIN IMMEDIATE');
    const connection = sqliteConnectionOf(api.dataSource);
    // With a timeout, the driver would wait itself and hold up the event loop.
    expect(connection.pragma('busy_timeout', { simple: true })).toBe(0);
    let isReleased = false;
    setTimeout(() => {
      stranger.exec('COMMIT');
      isReleased = true;
    }, 300);
    const answer = await append(api, id, { role: 'user', content: 'Hello' });
    expect([answer.status, isReleased]).toEqual([201, true]);
    stranger.close();
  });

  it('is the way of every route: TypeORM itself writes nothing', async () => {
    const { id } = await createSession(api);
    await append(api, id, { id: 'mine', role: 'user', content: 'Hello' });
    const statements: string[] = [];
    const ignore = () => undefined;
    Object.assign(api.dataSource, {
      logger: {
        logQuery: (sql: string) => statements.push(sql),
        logQueryError: ignore,
        logQuerySlow: ignore,
        logSchemaBuild: ignore,
        logMigration: ignore,
        log: ignore,
      },
    });
    await api.dataSource.query('DELETE FROM idempotency_keys');
    expect(statements).toEqual(['DELETE FROM idempotency_keys']);
    for (const { method, path, body, route } of apiRequests(id, 'mine')) {
      const { status } = await api.send(method, path, body);
      expect(status, route).toBeOneOf([200, 201, 204]);
    }
    expect(statements).toHaveLength(1);
  });
});

describe('more clients than connections', () => {
  const api = useTestApp({ environment: { DATABASE_POOL_SIZE: '3' } });

  it('read what they wrote, and refused writes leave nothing', async () => {
    const { id } = await createSession(api);
    const taken = { id: 'taken', role: 'user', content: 'Hello' };
    await append(api, id, taken);
    await inParallel(12, async (client) => {
      for (const round of numbers(1, 10)) {
        const content = `${client}.${round}`;
        const { status } = await append(api, id, { role: 'user', content });
        expect(status).toBe(201);
        const page = await getPage(api, id, 'limit=200');
        const contents = page.messages.map((message) => message.content);
        expect(contents).toContain(content);
        const other = { ...taken, content };
        expect((await append(api, id, other)).status).toBe(409);
        expect((await append(api, NOBODYS_ID, taken)).status).toBe(404);
      }
    });
    const { messages: stored } = await getPage(api, id, 'limit=200');
    expect(stored.map(({ seq }) => seq)).toEqual(numbers(1, 121));
  });
});
