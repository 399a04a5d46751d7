import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import {
  append,
  createSession,
  getPage,
  getSession,
  type Message,
  type MessagePage,
  numbers,
  type Session,
} from '../support/api.js';
import { type Answer, useTestApp } from '../support/test-app.js';

const api = useTestApp();

type SessionAnswer = Answer<{ chat_session: Session }>;

function times<T>(count: number, run: (index: number) => Promise<T>) {
  return Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}

function statusCounts(answers: Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** The seqs of a session as they are in the table. */
async function storedSeqs(sessionId: string): Promise<number[]> {
  const messages = await api.dataSource
    .getRepository(ChatMessage)
    .find({ where: { sessionId }, order: { seq: 'ASC' } });
  return messages.map(({ seq }) => seq);
}

/** The seqs of a session as the pages show them. */
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
  it('get seq 1 to 800 without gap or double', async () => {
    const { id } = await createSession(api);
    const acknowledged: Message[] = [];
    await times(16, async (writer) => {
      for (let n = 0; n < 50; n++) {
        const content = `writer ${writer} message ${n}`;
        const answer = await append(api, id, { role: 'user', content });
        expect(answer.status).toBe(201);
        expect(answer.body.message.content).toBe(content);
        acknowledged.push(answer.body.message);
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
  }, 120_000);
});

describe('10 creates at once', () => {
  it('for one section give one session, one 201 and nine 200', async () => {
    for (const section of ['a', 'b', 'c', 'd', 'e']) {
      const answers = await times(10, () =>
        api.send<{ chat_session: Session }>(
          'POST',
          `/api/documents/doc/sections/${section}/chat-session`,
        ),
      );
      expect(statusCounts(answers)).toEqual({ 201: 1, 200: 9 });
      const ids = answers.map(({ body }) => body.chat_session.id);
      expect(new Set(ids).size).toBe(1);
    }
  });

  it('with one id give one session, one 201 and nine 200', async () => {
    const id = randomUUID();
    const answers = await times(10, () =>
      api.send<{ chat_session: Session }>('POST', '/api/chat-sessions', {
        id,
        messages: [{ role: 'user', content: 'once' }],
      }),
    );
    expect(statusCounts(answers)).toEqual({ 201: 1, 200: 9 });
    for (const { body } of answers) {
      expect(body.chat_session.messages).toHaveLength(1);
    }
  });
});

describe('20 requests at once', () => {
  it('PATCHes with one If-Match give one 200 and nineteen 412', async () => {
    const { id } = await createSession(api);
    const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
    const answers = await times(20, (n) =>
      api.send<{ chat_session: Session }>(
        'PATCH',
        `/api/chat-sessions/${id}`,
        { title: `title ${n}` },
        { 'if-match': headers.etag! },
      ),
    );
    expect(statusCounts(answers)).toEqual({ 200: 1, 412: 19 });
    const winner = answers.find(({ status }) => status === 200);
    const session = await getSession(api, id);
    expect(session.title).toBe(winner?.body.chat_session.title);
    expect(session.version).toBe(2);
  });

  it('appends of one message id give one 201 and nineteen 200', async () => {
    const { id } = await createSession(api);
    const message = { id: 'only', role: 'user', content: 'once' };
    const answers = await times(20, () => append(api, id, message));
    expect(statusCounts(answers)).toEqual({ 201: 1, 200: 19 });
    expect(await storedSeqs(id)).toEqual([1]);
  });
});

describe('appends among clears and a delete', () => {
  it('leave a session whose count is that of its messages', async () => {
    const { id } = await createSession(api);
    const answers: Answer[] = [];
    await times(8, async (writer) => {
      for (let n = 0; n < 25; n++) {
        answers.push(
          writer === 0 && n % 5 === 0
            ? await api.send('POST', `/api/chat-sessions/${id}/clear`)
            : await append(api, id, { role: 'user', content: 'x' }),
        );
      }
    });
    expect(statusCounts(answers)).toEqual({ 200: 5, 201: 195 });
    const { message_count } = await getSession(api, id);
    const seqs = await storedSeqs(id);
    expect(seqs).toHaveLength(message_count);
    expect(seqs.at(-1)).toBe(195);
    expect(seqs[0]).toBe(195 - message_count + 1);
  });

  it('leave nothing of a session that is deleted meanwhile', async () => {
    const { id } = await createSession(api);
    const answers = await times(40, (n): Promise<SessionAnswer | Answer> =>
      n === 20
        ? api.send('DELETE', `/api/chat-sessions/${id}`)
        : append(api, id, { role: 'user', content: 'x' }),
    );
    const counts = statusCounts(answers);
    expect(counts[204]).toBe(1);
    expect((counts[201] ?? 0) + (counts[404] ?? 0)).toBe(39);
    expect(await storedSeqs(id)).toEqual([]);
    expect((await api.send('GET', `/api/chat-sessions/${id}`)).status).toBe(
      404,
    );
  });
});
