import { beforeEach, describe, expect, it } from 'vitest';
import {
  A_TIME,
  A_UUID_V7,
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  listSessions,
  NOBODYS_ID,
  sendFork,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
const NOT_FOUND = errorBody('Chat session or message not found');

let id: string;
let branches: Branches;

beforeEach(async () => {
  ({ id } = await createSession(api));
  branches = new Branches(api, id);
  await branches.append(['a', 'b', 'c']);
});

async function fork(messageId?: string): Promise<string> {
  const { body, status, text } = await sendFork(api, id, {
    message_id: messageId,
  });
  if (status !== 201) throw new Error(text);
  return body.chat_session.id;
}

describe('a fork', () => {
  it('is a new session with the messages of the path', async () => {
    const config = { model: 'large', big: 1e300 };
    const fields = {
      title: 'Bikes',
      document_id: 'doc',
      section_id: 'sec',
      context_documents: ['x'],
      config,
      metadata: { __a: [1.0] },
    };
    const source = await createSession(api, fields, 3);
    const path = `/api/chat-sessions/${source.id}`;
    await api.send('PATCH', path, { pinned: true, archived: true });
    const before = await getSession(api, source.id);
    const { status, body, headers } = await sendFork(api, source.id);
    expect(status).toBe(201);
    const forked = body.chat_session;
    expect(forked).toEqual({
      ...before,
      id: A_UUID_V7,
      section_id: null,
      pinned: false,
      archived: false,
      version: 1,
      forked_from: {
        session_id: source.id,
        message_id: before.messages.at(-1)!.id,
      },
      created_at: A_TIME,
      updated_at: A_TIME,
    });
    expect(forked.id).not.toBe(source.id);
    expect(headers.etag).toMatch(/^"\d+-1-[\w-]+"$/);
    expect(await getSession(api, forked.id)).toEqual(forked);
    expect(await getSession(api, source.id)).toEqual(before);
    const [newest] = (await listSessions(api)).chat_sessions;
    expect(newest).toMatchObject({
      id: forked.id,
      preview: 'message 3',
      forked_from: forked.forked_from,
    });
  });

  it('ends with a message of any branch', async () => {
    await branches.replace('a', ['d', 'e']);
    for (const [message, ids] of [
      ['c', ['a', 'b', 'c']],
      ['b', ['a', 'b']],
      ['d', ['a', 'd']],
      [undefined, ['a', 'd', 'e']],
    ] as const) {
      const { messages } = await getPage(api, await fork(message));
      expect(messages.map(({ id: one }) => one)).toEqual(ids);
      expect(messages.map(({ seq }) => seq)).toEqual(ids.map((_, n) => n + 1));
      const parents = messages.map(({ parent_id: parent }) => parent);
      expect(parents).toEqual([null, ...ids.slice(0, -1)]);
      expect(messages.some(({ siblings }) => siblings)).toBe(false);
    }
  });

  it('has messages as they are now, without deleted ones', async () => {
    await branches.edit('b', { content: 'changed', metadata: { n: 1 } });
    await branches.delete('a');
    const source = await getPage(api, id);
    const { messages } = await getPage(api, await fork());
    expect(source.messages.map(({ seq }) => seq)).toEqual([2, 3]);
    source.messages.forEach((one) => (one.seq -= 1));
    expect(messages).toEqual(source.messages);
  });

  it('goes its own way', async () => {
    const forked = await fork('b');
    const ofFork = new Branches(api, forked);
    expect((await ofFork.append(['c'])).status).toBe(201);
    expect((await ofFork.append(['x'], 'a')).status).toBe(201);
    await ofFork.delete('b');
    await branches.append(['d']);
    expect(await branches.ids()).toEqual(['a', 'b', 'c', 'd']);
    expect(await ofFork.ids()).toEqual(['a', 'x']);
    await api.send('DELETE', `/api/chat-sessions/${id}`);
    expect(await ofFork.ids()).toEqual(['a', 'x']);
    expect((await getSession(api, forked)).forked_from).toEqual({
      session_id: id,
      message_id: 'b',
    });
  });

  it('can be forked', async () => {
    const first = await fork('b');
    const { body } = await sendFork(api, first);
    expect(body.chat_session).toMatchObject({
      message_count: 2,
      forked_from: { session_id: first, message_id: 'b' },
    });
  });

  it('of a session without messages has none', async () => {
    await api.send('POST', `/api/chat-sessions/${id}/clear`);
    const { status, body } = await sendFork(api, id);
    expect(status).toBe(201);
    expect(body.chat_session).toMatchObject({
      message_count: 0,
      last_message_at: null,
      messages: [],
      forked_from: { session_id: id, message_id: null },
    });
    expect((await append(api, body.chat_session.id, first)).status).toBe(201);
  });

  it('shows its newest messages, and pages of the others', async () => {
    const source = await createSession(api, {}, 120);
    const { body } = await sendFork(api, source.id);
    expect(body.chat_session.messages).toHaveLength(50);
    const page = await getPage(api, body.chat_session.id, 'before=71&limit=20');
    expect(page).toMatchObject({ has_before: true, has_after: true });
    expect(page.messages.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 20 }, (_, index) => 51 + index),
    );
  });
});

const first = { role: 'user', content: 'first' };

describe('a request to fork', () => {
  it('with an Idempotency-Key is done once', async () => {
    const headers = { 'idempotency-key': 'fork' };
    const once = await sendFork(api, id, { message_id: 'b' }, headers);
    await branches.append(['d']);
    await api.send('DELETE', `/api/chat-sessions/${id}`);
    const again = await sendFork(api, id, { message_id: 'b' }, headers);
    expect([again.status, again.body]).toEqual([201, once.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    const other = await sendFork(api, id, { message_id: 'c' }, headers);
    expect(other.status).toBe(422);
  });

  it('without one makes another fork', async () => {
    expect(await fork()).not.toBe(await fork());
  });

  it('is refused if If-Match is another version', async () => {
    const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
    const ifMatch = { 'if-match': headers.etag! };
    expect((await sendFork(api, id, {}, ifMatch)).status).toBe(201);
    await branches.append(['d']);
    const { status, body } = await sendFork(api, id, {}, ifMatch);
    expect(status).toBe(412);
    expect(body).toMatchObject({ code: 'version_moved' });
  });

  it('names a message of the session', async () => {
    const { id: otherId } = await createSession(api);
    await new Branches(api, otherId).append(['z']);
    await branches.delete('b');
    for (const messageId of ['z', 'missing', 'b']) {
      const { status, body } = await sendFork(api, id, {
        message_id: messageId,
      });
      expect([status, body]).toEqual([404, NOT_FOUND]);
    }
    const { status } = await sendFork(api, NOBODYS_ID);
    expect(status).toBe(404);
  });

  it.each([
    [{ message_id: null }],
    [{ message_id: 1 }],
    [{ message_id: '' }],
    [{ leaf: 'a' }],
    [[]],
  ])('is refused with the body %j', async (body) => {
    expect((await sendFork(api, id, body)).status).toBe(400);
  });
});
