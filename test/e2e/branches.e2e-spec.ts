import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  A_TIME,
  append,
  createSession,
  errorBody,
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

describe('an append with parent_id', () => {
  it('begins a branch, which the session then shows', async () => {
    expect(await branches.ids()).toEqual(['a', 'b', 'c', 'e']);
    const { messages, message_count } = await getSession(api, id);
    expect(message_count).toBe(5);
    expect(messages).toMatchObject([
      { id: 'a', seq: 1, parent_id: null },
      { id: 'b', seq: 2, parent_id: 'a' },
      { id: 'c', seq: 3, parent_id: 'b' },
      { id: 'e', seq: 5, parent_id: 'c', siblings: [4, 5] },
    ]);
    expect(messages.slice(0, 3).some((one) => 'siblings' in one)).toBe(false);
  });

  it('responds with the place of each message', async () => {
    const { status, body } = await branches.append(['f', 'g'], 'a');
    expect(status).toBe(201);
    expect(body.messages).toMatchObject([
      { id: 'f', seq: 6, parent_id: 'a', siblings: [2, 6] },
      { id: 'g', seq: 7, parent_id: 'f' },
    ]);
    expect(body.messages[1]).not.toHaveProperty('siblings');
    const one = await append(api, id, {
      ...messagesOf(['h'])[0],
      parent_id: 'a',
    });
    expect(one.body.message).toMatchObject({ siblings: [2, 6, 8] });
    // Without a parent it goes on where the session ends.
    const next = await branches.append(['i']);
    expect(next.body.messages).toMatchObject([{ parent_id: 'h' }]);
    expect(await branches.ids()).toEqual(['a', 'h', 'i']);
  });

  it('begins a new root with null, also as the first message', async () => {
    const { body } = await branches.append(['f'], null);
    expect(body.messages).toMatchObject([
      { parent_id: null, siblings: [1, 6] },
    ]);
    expect(await branches.ids()).toEqual(['f']);
    const empty = await createSession(api);
    const first = await new Branches(api, empty.id).append(['a'], null);
    expect(first.body.messages).toMatchObject([{ seq: 1, parent_id: null }]);
  });

  it('goes on in the line if the parent is the newest message', async () => {
    const { body } = await branches.append(['f'], 'e');
    expect(body.messages).toMatchObject([{ seq: 6, parent_id: 'e' }]);
    expect(await branches.ids()).toEqual(['a', 'b', 'c', 'e', 'f']);
  });

  it('is refused if the session has no such message', async () => {
    const other = await createSession(api, {}, 1);
    const [foreign] = (await getSession(api, other.id)).messages;
    const before = await getSession(api, id);
    for (const parent of ['missing', foreign!.id, 'f']) {
      const response = await branches.append(['f'], parent);
      expect(response.status).toBe(400);
      expect(response.body).toMatchObject({ code: 'parent_unknown' });
    }
    await api.send('POST', `/api/chat-sessions/${other.id}/clear`);
    const cleared = await new Branches(api, other.id).append(
      ['x'],
      foreign!.id,
    );
    expect(cleared.body).toMatchObject({ code: 'parent_unknown' });
    expect(await getSession(api, id)).toEqual(before);
  });

  it('that is sent again is the same, and with another parent a conflict', async () => {
    const first = await branches.append(['f', 'g'], 'a');
    const again = await branches.append(['f', 'g'], 'a');
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    // Without a parent only the messages are compared.
    expect((await branches.append(['f', 'g'])).status).toBe(200);
    for (const parent of ['b', null]) {
      const other = await branches.append(['f', 'g'], parent);
      expect(other.status).toBe(409);
      expect(other.body).toMatchObject({ code: 'message_id_taken' });
    }
  });

  it('that is sent again is known after the delete of its parent', async () => {
    await branches.append(['f', 'g'], 'e');
    await branches.delete('e');
    const again = await branches.append(['f', 'g'], 'e');
    expect(again.status).toBe(200);
    expect(again.body.messages).toMatchObject([{ parent_id: 'c' }, {}]);
    expect((await branches.append(['h'], 'e')).status).toBe(400);
  });

  it('that is sent again in another order is a conflict', async () => {
    await branches.append(['f', 'g', 'h'], 'a');
    for (const ids of [
      ['f', 'h', 'g'],
      ['f', 'h'],
    ]) {
      const response = await branches.append(ids, 'a');
      expect(response.body).toMatchObject({ code: 'message_id_taken' });
    }
  });

  it('with an Idempotency-Key is done once', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await branches.append(['f'], 'a', headers);
    await branches.append(['g'], 'b');
    const again = await branches.append(['f'], 'a', headers);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    const other = await branches.append(['f'], 'b', headers);
    expect(other.status).toBe(422);
  });
});

describe('pages', () => {
  it('are those of the path, whatever the cursor', async () => {
    const idsOf = async (query: string) => {
      const page = await getPage(api, id, query);
      const ids = page.messages.map((one) => one.id).join('');
      return [ids, page.has_before, page.has_after];
    };
    expect(await idsOf('limit=2')).toEqual(['ce', true, false]);
    expect(await idsOf('limit=2&before=5')).toEqual(['bc', true, true]);
    // 4 is on the other branch.
    expect(await idsOf('limit=2&before=4')).toEqual(['bc', true, true]);
    expect(await idsOf('limit=2&after=3')).toEqual(['e', true, false]);
    expect(await idsOf('limit=3&around=4')).toEqual(['bce', true, false]);
    expect(await idsOf('limit=1&before=1')).toEqual(['', false, true]);
  });

  it('name the parent of their first message', async () => {
    const { messages } = await getPage(api, id, 'limit=1');
    expect(messages).toMatchObject([{ id: 'e', parent_id: 'c' }]);
  });

  it('are of another branch with leaf, and of all with tree', async () => {
    expect(await branches.ids('leaf=d')).toEqual(['a', 'b', 'c', 'd']);
    expect(await branches.ids('leaf=b')).toEqual(['a', 'b']);
    expect(await branches.ids('leaf=d&before=3')).toEqual(['a', 'b']);
    expect(await branches.ids('tree=true')).toEqual('abcde'.split(''));
    const { messages } = await getPage(api, id, 'tree=true&after=3');
    expect(messages).toMatchObject([
      { id: 'd', parent_id: 'c', siblings: [4, 5] },
      { id: 'e', parent_id: 'c', siblings: [4, 5] },
    ]);
    const path = `/api/chat-sessions/${id}/messages`;
    const unknown = await api.send('GET', `${path}?leaf=missing`);
    expect(unknown.status).toBe(404);
    expect(unknown.body).toMatchObject({ code: 'leaf_unknown' });
    const both = await api.send('GET', `${path}?leaf=d&tree=true`);
    expect(both.status).toBe(400);
  });

  it('have every message, however many ranges they are', async () => {
    // A comb: each question is asked twice, and the second one is answered.
    for (let n = 0; n < 120; n++) {
      await branches.append([`x${n}`, `q${n}`], n ? `q${n - 1}` : 'e');
      await branches.append([`r${n}`], `q${n}`);
    }
    await branches.goTo('q119');
    const path = ['a', 'b', 'c', 'e'];
    for (let n = 0; n < 120; n++) path.push(`x${n}`, `q${n}`);
    path.push('r119');
    expect(await branches.ids()).toEqual(path.slice(-200));
    expect(await branches.ids('after=0')).toEqual(path.slice(0, 200));
  });
});

describe('GET of a message', () => {
  it('says its parent and siblings, on any branch', async () => {
    for (const [message, expected] of [
      ['a', { parent_id: null }],
      ['d', { parent_id: 'c', siblings: [4, 5] }],
      ['e', { parent_id: 'c', siblings: [4, 5] }],
    ] as const) {
      const path = `/api/chat-sessions/${id}/messages/${message}`;
      const { body } = await api.send<{ message: object }>('GET', path);
      expect(body.message).toMatchObject(expected);
    }
  });
});

describe('PUT leaf', () => {
  it('shows the branch of a message down to its newest leaf', async () => {
    const before = await getSession(api, id);
    const { status, body, headers } = await branches.goTo('d');
    expect(status).toBe(200);
    const { chat_session: session } = body;
    expect(session.messages.map((one) => one.id)).toEqual('abcd'.split(''));
    expect(session.version).toBe(before.version + 1);
    expect(await getSession(api, id)).toEqual(session);
    expect(headers.etag).toBeDefined();
    expect((await listSessions(api)).chat_sessions[0]).toMatchObject({
      preview: 'd',
      message_count: 5,
      last_message_at: session.messages.at(-1)!.timestamp,
    });
    await branches.append(['f']);
    expect(await branches.ids()).toEqual('abcdf'.split(''));
    await branches.goTo('c');
    expect(await branches.ids()).toEqual('abcdf'.split(''));
  });

  it('changes nothing if the session shows it already', async () => {
    const before = await getSession(api, id);
    expect((await branches.goTo('b')).body.chat_session).toEqual(before);
  });

  it('answers 404 for a message that does not exist, and 412 for an old version', async () => {
    const missing = await branches.goTo('missing');
    expect(missing.status).toBe(404);
    expect(missing.body).toEqual(errorBody('Message not found', 'not_found'));
    const moved = await branches.goTo('d', { 'if-match': '"1-1"' });
    expect(moved.status).toBe(412);
  });
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
  await own.delete('b');
  const differs = await api.send('POST', '/api/chat-sessions', body);
  expect(differs.body).toMatchObject({ code: 'session_differs' });
});
