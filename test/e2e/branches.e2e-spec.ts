import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
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
