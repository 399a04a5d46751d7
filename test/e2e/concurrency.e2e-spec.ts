import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import {
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  type Message,
  type MessagePage,
  numbers,
  type Session,
} from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { type TestResponse, useTestApp } from '../support/test-app.js';

const api = useTestApp();

type SessionResponse = TestResponse<{ chat_session: Session }>;

function statusCounts(responses: TestResponse[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of responses)
    counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** The seqs of a session in the table. */
async function storedSeqs(sessionId: string): Promise<number[]> {
  const messages = await api.dataSource
    .getRepository(ChatMessage)
    .find({ where: { sessionId }, order: { seq: 'ASC' } });
  return messages.map(({ seq }) => seq);
}

/** The seqs of a session in its pages. */
async function pagedSeqs(sessionId: string): Promise<number[]> {
  const seqs: number[] = [];
  let page: MessagePage;
  do {
    const after = seqs.at(-1) ?? 0;
    page = await getPage(api, sessionId, `limit=90&after=${after}`);
    seqs.push(...page.messages.map(({ seq }) => seq));
  } while (page.has_after);
  return seqs;
}

describe('16 writers of one session', () => {
  it('get seq 1 to 800 without gaps or duplicates', async () => {
    const { id } = await createSession(api);
    const acknowledged: Message[] = [];
    await inParallel(16, async (writer) => {
      for (let n = 0; n < 50; n++) {
        const content = `writer ${writer} message ${n}`;
        const response = await append(api, id, { role: 'user', content });
        expect(response.status).toBe(201);
        expect(response.body.message.content).toBe(content);
        acknowledged.push(response.body.message);
      }
    });
    const seqs = acknowledged.map(({ seq }) => seq).sort((a, b) => a - b);
    expect(seqs).toEqual(numbers(1, 800));
    expect(await storedSeqs(id)).toEqual(numbers(1, 800));
    expect(await pagedSeqs(id)).toEqual(numbers(1, 800));
    const session = await api.dataSource
      .getRepository(ChatSession)
      .findOneByOrFail({ id });
    expect(session).toMatchObject({
      messageCount: 800,
      lastSeq: 800,
      version: 801,
    });
  });
});

describe('10 creates in parallel', () => {
  it('of one section create one session, and get one 201 and nine 200', async () => {
    for (const section of ['a', 'b', 'c', 'd', 'e']) {
      const responses = await inParallel(10, () =>
        api.send<{ chat_session: Session }>(
          'POST',
          `/api/documents/doc/sections/${section}/chat-session`,
        ),
      );
      expect(statusCounts(responses)).toEqual({ 201: 1, 200: 9 });
      const ids = responses.map(({ body }) => body.chat_session.id);
      expect(new Set(ids).size).toBe(1);
    }
  });

  it('with one id create one session, and get one 201 and nine 200', async () => {
    const id = randomUUID();
    const responses = await inParallel(10, () =>
      api.send<{ chat_session: Session }>('POST', '/api/chat-sessions', {
        id,
        messages: [{ role: 'user', content: 'once' }],
      }),
    );
    expect(statusCounts(responses)).toEqual({ 201: 1, 200: 9 });
    for (const { body } of responses) {
      expect(body.chat_session.messages).toHaveLength(1);
    }
  });
});

describe('many requests in parallel', () => {
  it('get one 200 and forty-nine 412 for 50 PATCHes with one If-Match', async () => {
    const { id } = await createSession(api);
    const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
    const responses = await inParallel(50, (n) =>
      api.send<{ chat_session: Session }>(
        'PATCH',
        `/api/chat-sessions/${id}`,
        { title: `title ${n}` },
        { 'if-match': headers.etag! },
      ),
    );
    expect(statusCounts(responses)).toEqual({ 200: 1, 412: 49 });
    for (const { status, body } of responses) {
      if (status === 200) continue;
      expect(body).toEqual(
        errorBody('Chat session has changed since the version of If-Match'),
      );
    }
    const winner = responses.find(({ status }) => status === 200);
    const session = await getSession(api, id);
    expect(session.title).toBe(winner?.body.chat_session.title);
    expect(session.version).toBe(2);
  });

  it('get one 201 and nineteen 200 for 20 appends of one message id', async () => {
    const { id } = await createSession(api);
    const message = { id: 'only', role: 'user', content: 'once' };
    const responses = await inParallel(20, () => append(api, id, message));
    expect(statusCounts(responses)).toEqual({ 201: 1, 200: 19 });
    expect(await storedSeqs(id)).toEqual([1]);
  });
});

describe('appends in parallel with clears and a delete', () => {
  it('leave a session whose message_count is right', async () => {
    const { id } = await createSession(api);
    const responses: TestResponse[] = [];
    await inParallel(8, async (writer) => {
      for (let n = 0; n < 25; n++) {
        responses.push(
          writer === 0 && n % 5 === 0
            ? await api.send('POST', `/api/chat-sessions/${id}/clear`)
            : await append(api, id, { role: 'user', content: 'x' }),
        );
      }
    });
    expect(statusCounts(responses)).toEqual({ 200: 5, 201: 195 });
    const { message_count } = await getSession(api, id);
    const seqs = await storedSeqs(id);
    expect(seqs).toHaveLength(message_count);
    expect(seqs.at(-1)).toBe(195);
    expect(seqs[0]).toBe(195 - message_count + 1);
  });

  it('leave no message of a session that is deleted', async () => {
    const { id } = await createSession(api);
    const responses = await inParallel(
      40,
      (n): Promise<SessionResponse | TestResponse> =>
        n === 20
          ? api.send('DELETE', `/api/chat-sessions/${id}`)
          : append(api, id, { role: 'user', content: 'x' }),
    );
    const counts = statusCounts(responses);
    expect(counts[204]).toBe(1);
    expect((counts[201] ?? 0) + (counts[404] ?? 0)).toBe(39);
    expect(await storedSeqs(id)).toEqual([]);
    expect((await api.send('GET', `/api/chat-sessions/${id}`)).status).toBe(
      404,
    );
  });
});
