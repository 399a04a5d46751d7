import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  A_TIME,
  createSession,
  getPage,
  getSession,
  listSessions,
} from '../support/api.js';
import { Branches, messagesOf } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

let id: string;
let branches: Branches;

/** A question (a) with an answer (b), and one with two answers (d and e). */
beforeEach(async () => {
  ({ id } = await createSession(api, {}));
  branches = new Branches(api, id);
  await branches.append(['a', 'b', 'c', 'd']);
  await branches.append(['e'], 'c');
});

describe('PATCH of a message', () => {
  it('changes it in place', async () => {
    const { status, body } = await branches.edit('c', {
      content: 'new',
      metadata: { edited: true },
    });
    expect(status).toBe(200);
    expect(body.message).toMatchObject({
      id: 'c',
      seq: 3,
      parent_id: 'b',
      role: 'user',
      content: 'new',
      references: [],
      metadata: { edited: true },
      edited_at: A_TIME,
    });
    const { messages } = await getSession(api, id);
    expect(messages[2]).toEqual(body.message);
    expect(messages[1]!.edited_at).toBeNull();
  });

  it('takes its text from new parts, and keeps what is left out', async () => {
    const parts = [{ type: 'text', text: 'from parts', n: 1.0 }];
    const text = (of: string) => [{ type: 'text', text: of }];
    await branches.edit('e', { content: null, parts: text('old') });
    const { body } = await branches.edit('e', { parts });
    expect(body.message).toMatchObject({ content: 'from parts', parts });
    expect((await listSessions(api)).chat_sessions[0]!.preview).toBe(
      'from parts',
    );
    const again = await branches.edit('e', { references: [{ a: 1 }] });
    expect(again.body.message).toMatchObject({
      content: 'from parts',
      parts,
      references: [{ a: 1 }],
    });
  });

  it('keeps a text that is not that of its parts', async () => {
    const image = { type: 'image', url: 'x' };
    const { body } = await branches.edit('e', { parts: [image] });
    expect(body.message).toMatchObject({ content: 'e', parts: [image] });
    const none = await branches.edit('e', { parts: null });
    expect(none.body.message).toMatchObject({ content: 'e', parts: null });
  });

  it('changes nothing without changes', async () => {
    const before = await getSession(api, id);
    const { status, body } = await branches.edit('e', {});
    expect(status).toBe(200);
    expect(body.message).toEqual(before.messages.at(-1));
    expect(await getSession(api, id)).toEqual(before);
  });

  it('refuses an empty message, an unknown one, and other fields', async () => {
    const empty = await branches.edit('c', { content: ' ' });
    expect(empty.body).toMatchObject({ code: 'message_empty' });
    expect((await branches.edit('missing', { content: 'x' })).status).toBe(404);
    expect((await branches.edit('c', { role: 'tool' })).status).toBe(400);
    expect((await branches.edit('c', { id: 'x' })).status).toBe(400);
    expect((await getPage(api, id)).messages[2]!.content).toBe('c');
  });

  it('counts the new bytes of a message', async () => {
    const content = 'x'.repeat(1024 * 1024);
    for (const one of ['a', 'b', 'c', 'e']) {
      expect((await branches.edit(one, { content })).status).toBe(200);
    }
    const page = await getPage(api, id);
    expect(page.messages.map((one) => one.id)).toEqual(['b', 'c', 'e']);
    expect(page.has_before).toBe(true);
  });
});

describe('DELETE of a message', () => {
  it('hands its children to its parent', async () => {
    const deleted = await branches.delete('c');
    expect(deleted.status).toBe(204);
    const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(deleted.headers.etag).toBe(headers.etag);
    const { messages, message_count } = await getSession(api, id);
    expect(message_count).toBe(4);
    expect(messages).toMatchObject([
      { id: 'a' },
      { id: 'b', seq: 2 },
      { id: 'e', seq: 5, parent_id: 'b', siblings: [4, 5] },
    ]);
    const path = `/api/chat-sessions/${id}/messages/c`;
    expect((await api.send('GET', path)).status).toBe(404);
    expect((await branches.delete('c')).status).toBe(404);
    // Its id is free.
    expect((await branches.append(['c'])).status).toBe(201);
  });

  it('moves the end of the session to the parent', async () => {
    await branches.delete('e');
    expect(await branches.ids()).toEqual('abc'.split(''));
    const session = await getSession(api, id);
    expect((await listSessions(api)).chat_sessions[0]).toMatchObject({
      preview: 'c',
      last_message_at: session.messages.at(-1)!.timestamp,
      message_count: 4,
    });
    await branches.append(['f']);
    expect(await branches.ids()).toEqual('abcf'.split(''));
    expect(await branches.ids('leaf=d')).toEqual('abcd'.split(''));
  });

  it('deletes all below it with following', async () => {
    await branches.delete('c', '?following=true');
    const { messages, message_count } = await getSession(api, id);
    expect(messages.map((one) => one.id)).toEqual(['a', 'b']);
    expect(message_count).toBe(2);
    await branches.delete('a', '?following=true');
    expect(await getSession(api, id)).toMatchObject({
      messages: [],
      message_count: 0,
      last_message_at: null,
    });
    const { body } = await branches.append(['a']);
    expect(body.messages).toMatchObject([{ seq: 6, parent_id: null }]);
  });

  it('is refused for another version of the session', async () => {
    const response = await branches.delete('c', '', { 'if-match': '"1-1"' });
    expect(response.status).toBe(412);
    expect(await branches.ids()).toEqual('abce'.split(''));
  });
});

describe('POST messages/replace', () => {
  it('keeps what followed as another branch', async () => {
    const { status, body } = await branches.replace('b', ['f', 'g']);
    expect(status).toBe(201);
    expect(body.messages).toMatchObject([
      { id: 'f', parent_id: 'b', siblings: [3, 6] },
      { id: 'g', parent_id: 'f' },
    ]);
    expect(await branches.ids()).toEqual('abfg'.split(''));
    expect(await branches.ids('leaf=e')).toEqual('abce'.split(''));
  });

  it('deletes what followed without keep, and its ids are free', async () => {
    await branches.goTo('d');
    const { status, body } = await branches.replace('b', ['d', 'c'], false);
    expect(status).toBe(201);
    expect(body.messages).toMatchObject([{ seq: 6 }, { seq: 7 }]);
    expect(await branches.ids('tree=true')).toEqual('abdc'.split(''));
    expect((await getSession(api, id)).message_count).toBe(4);
  });

  it('takes back what followed, with no messages', async () => {
    const { status, body } = await branches.replace('b', []);
    expect([status, body]).toEqual([201, { messages: [] }]);
    expect(await branches.ids()).toEqual(['a', 'b']);
    await branches.replace(null, []);
    expect(await getSession(api, id)).toMatchObject({
      messages: [],
      message_count: 5,
    });
    await branches.goTo('e');
    expect(await branches.ids()).toEqual('abce'.split(''));
  });

  it('saves a whole conversation', async () => {
    await branches.replace(null, ['x', 'y'], false);
    expect(await branches.ids()).toEqual(['x', 'y']);
    expect(await branches.ids('tree=true')).toEqual(['x', 'y']);
  });

  it('is refused after a message of another branch, or an unknown one', async () => {
    for (const after of ['d', 'missing']) {
      const response = await branches.replace(after, ['f']);
      expect(response.status).toBe(400);
      expect(response.body).toMatchObject({ code: 'after_unknown' });
    }
  });

  it('that is sent again is the same; ids of other messages are a conflict', async () => {
    const first = await branches.replace('b', ['f', 'g']);
    const again = await branches.replace('b', ['f', 'g']);
    expect([again.status, again.body]).toEqual([200, first.body]);
    // These are stored, but the session does not end with them.
    for (const [after, ids] of [
      ['a', ['f', 'g']],
      ['b', ['f']],
      ['b', ['c', 'd']],
      [null, ['a', 'b']],
    ] as const) {
      const response = await branches.replace(after, [...ids]);
      expect(response.status).toBe(409);
      expect(response.body).toMatchObject({ code: 'message_id_taken' });
    }
    expect(await branches.ids()).toEqual('abfg'.split(''));
  });

  it('without keep changes nothing if the session ends so already', async () => {
    const first = await branches.replace('b', ['f', 'g'], false);
    const before = await getSession(api, id);
    const again = await branches.replace('b', ['f', 'g'], false);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await getSession(api, id)).toEqual(before);
    // Fewer, or others, are another request.
    await branches.replace('b', ['f'], false);
    expect((await branches.ids()).join('')).toBe('abf');
  });

  it('is a conflict when it is sent again while the session shows another branch', async () => {
    await branches.replace('c', ['f']);
    await branches.replace('a', ['g']);
    const again = await branches.replace('c', ['f']);
    expect(again.body).toMatchObject({ code: 'message_id_taken' });
    const other = await branches.replace('c', ['h']);
    expect(other.body).toMatchObject({ code: 'after_unknown' });
  });

  it('removes nothing if an id is taken', async () => {
    const response = await branches.replace('c', ['f', 'd'], false);
    expect(response.body).toMatchObject({ code: 'message_id_taken' });
    expect(await branches.ids()).toEqual('abce'.split(''));
    expect(await branches.ids('tree=true')).toEqual('abcde'.split(''));
  });

  it('with an Idempotency-Key is done once', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await branches.replace('b', ['f'], false, headers);
    const again = await branches.replace('b', ['f'], false, headers);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect([again.status, again.body]).toEqual([201, first.body]);
    const none = { 'idempotency-key': randomUUID() };
    await branches.replace('a', [], true, none);
    await branches.append(['g']);
    const undone = await branches.replace('a', [], true, none);
    expect([undone.status, undone.body]).toEqual([201, { messages: [] }]);
    expect(await branches.ids()).toEqual(['a', 'g']);
  });

  it('with If-Match is refused for another version, and known if it was done', async () => {
    const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
    const ifMatch = { 'if-match': headers.etag! };
    const first = await branches.replace('b', ['f'], true, ifMatch);
    expect(first.status).toBe(201);
    const again = await branches.replace('b', ['f'], true, ifMatch);
    expect([again.status, again.body]).toEqual([200, first.body]);
    const other = await branches.replace('b', ['g'], true, ifMatch);
    expect(other.status).toBe(412);
  });
});

it('a clear makes the session a line again', async () => {
  await api.send('POST', `/api/chat-sessions/${id}/clear`);
  expect((await getSession(api, id)).message_count).toBe(0);
  await branches.append(['a', 'b']);
  const { messages } = await getSession(api, id);
  expect(messages).toMatchObject([
    { id: 'a', seq: 6, parent_id: null },
    { id: 'b', seq: 7, parent_id: 'a' },
  ]);
});

it('a create that is sent again compares the first messages of all branches', async () => {
  const body = { id: randomUUID(), messages: messagesOf(['a', 'b']) };
  await api.send('POST', '/api/chat-sessions', body);
  const own = new Branches(api, body.id);
  await own.append(['c'], 'a');
  const again = await api.send('POST', '/api/chat-sessions', body);
  expect(again.status).toBe(200);
  const other = { ...body, messages: messagesOf(['a', 'x']) };
  const differs = await api.send('POST', '/api/chat-sessions', other);
  expect(differs.body).toMatchObject({ code: 'session_differs' });
});
