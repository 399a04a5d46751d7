import { describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  type Message,
  numbers,
  type Session,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

/** Runs writes one after another, several at once, for as long as `reading` takes. */
async function whileWriting<T>(
  write: (n: number) => Promise<unknown>,
  reading: () => Promise<T>,
): Promise<T> {
  let done = false;
  let n = 0;
  const writers = Array.from({ length: 4 }, async () => {
    while (!done) await write(n++);
  });
  try {
    return await reading();
  } finally {
    done = true;
    await Promise.all(writers);
    expect(n).toBeGreaterThan(4);
  }
}

interface Page {
  messages: Message[];
  has_before: boolean;
  has_after: boolean;
}

async function page(id: string, query: string): Promise<Page> {
  const path = `/api/chat-sessions/${id}/messages?limit=7&${query}`;
  const { status, body } = await api.send<Page>('GET', path);
  expect(status).toBe(200);
  return body;
}

describe('GET /api/chat-sessions/:session_id/messages while others append', () => {
  const appendTo = (id: string) => () =>
    append(api, id, { role: 'user', content: 'more' });

  it('forwards: nothing missing and nothing twice', async () => {
    const { id } = await createSession(api, {}, 150);
    const seqs = await whileWriting(appendTo(id), async () => {
      const seen: number[] = [];
      for (let after = 0; seen.length < 200;) {
        const { messages } = await page(id, `after=${after}`);
        seen.push(...messages.map(({ seq }) => seq));
        after = seen.at(-1) ?? 0;
      }
      return seen;
    });
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it('backwards: nothing missing and nothing twice', async () => {
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
  it('has nothing twice, and nothing missing of what nobody touched', async () => {
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
  it('answers body, count and ETag of one moment, and one body for each ETag', async () => {
    const { id } = await createSession(api, {}, 60);
    const write = (n: number) =>
      n % 10 === 9
        ? api.send('POST', `/api/chat-sessions/${id}/clear`)
        : append(api, id, { role: 'user', content: 'more' });
    const answers = new Map<string | undefined, string>();
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
        expect(headers.etag).toBe(
          `"${Date.parse(session.created_at)}-${session.version}"`,
        );
        expect(answers.get(headers.etag) ?? text).toBe(text);
        answers.set(headers.etag, text);
      }
    });
  });
});
