import { describe, expect, it } from 'vitest';
import { ChatSessionsRepository } from '../../src/chat-sessions/store/chat-sessions.repository.js';
import { SessionListsRepository } from '../../src/chat-sessions/store/session-lists.repository.js';
import { Database } from '../../src/database/database.js';
import {
  append,
  createSession,
  type MessagePage,
  numbers,
  type Session,
} from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

/** Four writers write while `read` runs. The signal aborts if one of them fails. */
async function whileWriting<T>(
  write: (n: number) => Promise<unknown>,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const failure = new AbortController();
  let isReading = true;
  let n = 0;
  const writers = inParallel(4, async () => {
    try {
      while (isReading) await write(n++);
    } catch (error) {
      failure.abort(error);
    }
  });
  let result: T;
  try {
    result = await read(failure.signal);
  } finally {
    isReading = false;
    await writers;
  }
  failure.signal.throwIfAborted();
  expect(n).toBeGreaterThan(4);
  return result;
}

async function page(id: string, query: string): Promise<MessagePage> {
  const path = `/api/chat-sessions/${id}/messages?limit=7&${query}`;
  const { status, body } = await api.send<MessagePage>('GET', path);
  expect(status).toBe(200);
  return body;
}

describe('GET /api/chat-sessions/:session_id/messages while others append', () => {
  const appendTo = (id: string) => () =>
    append(api, id, { role: 'user', content: 'more' });

  it('forwards: misses no message and repeats none', async () => {
    const { id } = await createSession(api, {}, 150);
    const seqs = await whileWriting(appendTo(id), async (signal) => {
      const seen: number[] = [];
      for (let after = 0; seen.length < 200;) {
        signal.throwIfAborted();
        const { messages } = await page(id, `after=${after}`);
        seen.push(...messages.map(({ seq }) => seq));
        after = seen.at(-1) ?? 0;
      }
      return seen;
    });
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it('backwards: misses no message and repeats none', async () => {
    const { id } = await createSession(api, {}, 150);
    const seqs = await whileWriting(appendTo(id), async () => {
      const seen: number[] = [];
      for (let query = ''; ; query = `before=${seen[0]}`) {
        const { messages, has_before } = await page(id, query);
        seen.unshift(...messages.map(({ seq }) => seq));
        if (!has_before) return seen;
      }
    });
    expect(seqs.length).toBeGreaterThanOrEqual(150);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });
});

describe('GET /api/chat-sessions while others write', () => {
  it('repeats no session, and misses none that nobody changes', async () => {
    const untouched: string[] = [];
    const touched: string[] = [];
    for (let n = 0; n < 60; n++) {
      const { id } = await createSession(api, { title: `session ${n}` });
      (n % 3 === 0 ? touched : untouched).push(id);
    }
    const write = (n: number) =>
      n % 5 === 0
        ? createSession(api)
        : append(api, touched[n % touched.length]!, {
            role: 'user',
            content: 'up',
          });
    const seen = await whileWriting(write, async () => {
      const ids: string[] = [];
      let cursor = '';
      do {
        const { body } = await api.send<{
          chat_sessions: Session[];
          next_cursor: string | null;
        }>('GET', `/api/chat-sessions?limit=4${cursor}`);
        ids.push(...body.chat_sessions.map(({ id }) => id));
        cursor = body.next_cursor ? `&cursor=${body.next_cursor}` : '';
      } while (cursor);
      return ids;
    });
    expect(new Set(seen).size).toBe(seen.length);
    expect(untouched.filter((id) => !seen.includes(id))).toEqual([]);
  });
});

describe('GET /api/chat-sessions/:session_id while others append and clear', () => {
  it('answers a body, count and ETag that agree, and one body for each ETag', async () => {
    const { id } = await createSession(api, {}, 60);
    const write = (n: number) =>
      n % 10 === 9
        ? api.send('POST', `/api/chat-sessions/${id}/clear`)
        : append(api, id, { role: 'user', content: 'more' });
    const responses = new Map<string | undefined, string>();
    await whileWriting(write, async () => {
      for (let n = 0; n < 100; n++) {
        const { body, headers, text } = await api.send<{
          chat_session: Session;
        }>('GET', `/api/chat-sessions/${id}`);
        const session = body.chat_session;
        const newest = session.messages.at(-1);
        const count = Math.min(50, session.message_count);
        const last = newest?.seq ?? 0;
        expect(session.messages.map(({ seq }) => seq)).toEqual(
          numbers(last - count + 1, last),
        );
        expect(session.last_message_at).toBe(newest?.timestamp ?? null);
        const counted = `${Date.parse(session.created_at)}-${session.version}`;
        expect(headers.etag).toMatch(new RegExp(`^"${counted}-`));
        expect(responses.get(headers.etag) ?? text).toBe(text);
        responses.set(headers.etag, text);
      }
    });
  });
});

it('a list leaves out a session that is deleted while it is read', async () => {
  const contextDocuments = ['doc'];
  const body = { context_documents: contextDocuments };
  const [kept, deleted] = [
    await createSession(api, body),
    await createSession(api, body),
  ];
  const lists = api.app.get(SessionListsRepository);
  const sessions = await api.app.get(Database).write(function* () {
    const listed = yield* lists.list(
      'local',
      { archived: false },
      { limit: 2 },
    );
    expect(listed.map(({ id }) => id)).toEqual([deleted.id, kept.id]);
    yield* api.app
      .get(ChatSessionsRepository)
      .delete({ ownerId: 'local', id: deleted.id });
    return yield* lists.withContextDocuments('local', listed);
  });
  expect(sessions).toMatchObject([{ id: kept.id, contextDocuments }]);
});
