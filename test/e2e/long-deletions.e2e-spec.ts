import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Purger } from '../../src/chat-sessions/removal/purger.js';
import { RangePurger } from '../../src/chat-sessions/removal/range-purger.js';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatRangePurge } from '../../src/chat-sessions/store/entities/chat-range-purge.entity.js';
import { Database } from '../../src/database/database.js';
import {
  append,
  createSession,
  getPage,
  getSession,
  numbers,
  sendCreate,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';
import { undoMigrations } from '../support/test-database.js';

/** More than one transaction removes. */
const LONG = 2_100;

const api = useTestApp();
let purger: RangePurger;
let wake: { mock: { calls: unknown[] } };

beforeEach(() => {
  purger = api.app.get(RangePurger);
  // The rows stay as they are until a test runs the purger.
  wake = vi.spyOn(purger, 'wake').mockImplementation(() => undefined);
  vi.spyOn(api.app.get(Purger), 'wake').mockImplementation(() => undefined);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await api.app.get(Purger).run();
  await purger.run();
  await endGrace();
  await purger.run();
  await expectNoRanges();
});

async function expectNoRanges(): Promise<void> {
  expect(await ranges().count()).toBe(0);
}

function ranges() {
  return api.dataSource.getRepository(ChatRangePurge);
}

function endGrace() {
  return api.dataSource
    .createQueryBuilder()
    .update(ChatRangePurge)
    .set({ dueAt: new Date() })
    .execute();
}

function rowsOf(sessionId: string): Promise<number> {
  return api.dataSource.getRepository(ChatMessage).countBy({ sessionId });
}

/** How many rows of a session have a text. */
async function textsOf(sessionId: string): Promise<number> {
  const rows = api.dataSource.getRepository(ChatMessage);
  return (
    (await rowsOf(sessionId)) - (await rows.countBy({ sessionId, content: '' }))
  );
}

/** A session with the messages kept1, kept2, m1, m2 ... */
async function longSession(fields: object = {}) {
  const { id } = await createSession(api, fields);
  const branches = new Branches(api, id);
  await branches.append(['kept1', 'kept2']);
  for (let from = 1; from <= LONG; from += 100) {
    const ids = numbers(from, from + 99).map((n) => `m${n}`);
    expect((await branches.append(ids)).status).toBe(201);
  }
  return { id, branches, path: `/api/chat-sessions/${id}` };
}

describe('the deletion of many messages', () => {
  it('hides them at once, blanks their rows later, and deletes these after a day', async () => {
    const { id, branches } = await longSession();
    expect((await branches.delete('m1', '?following=true')).status).toBe(204);
    expect(wake.mock.calls).toHaveLength(1);
    expect(await textsOf(id)).toBe(LONG + 2);
    const session = await getSession(api, id);
    expect(session).toMatchObject({
      message_count: 2,
      messages: [{ id: 'kept1' }, { id: 'kept2' }],
    });
    expect(await branches.ids('tree=true')).toEqual(['kept1', 'kept2']);

    await purger.run();
    expect(await textsOf(id)).toBe(2);
    expect(await rowsOf(id)).toBe(LONG + 2);
    await purger.run();
    expect(await rowsOf(id)).toBe(LONG + 2);
    await endGrace();
    await purger.run();
    expect(await rowsOf(id)).toBe(2);
    expect(await getSession(api, id)).toEqual(session);
  });

  it('is done in batches', async () => {
    const { branches } = await longSession();
    await branches.delete('m1', '?following=true');
    const batches = vi.spyOn(api.app.get(Database), 'write');
    await purger.run();
    expect(batches.mock.calls.length).toBeGreaterThan(LONG / 500);
  });

  it('is needed for large messages, too', async () => {
    const { id } = await createSession(api);
    for (const n of numbers(1, 18)) {
      const content = `${n}`.padEnd(1024 * 1024, 'x');
      await append(api, id, { id: `m${n}`, role: 'user', content });
    }
    await new Branches(api, id).delete('m1', '?following=true');
    expect(await textsOf(id)).toBe(18);
    await purger.run();
    expect(await textsOf(id)).toBe(0);
  });

  it('hides them from every request that names one', async () => {
    const { branches, path } = await longSession();
    await branches.delete('m1', '?following=true');
    const response = await api.send('GET', `${path}/messages/m7`);
    expect(response.status).toBe(404);
    expect((await branches.edit('m7', { content: 'x' })).status).toBe(404);
    expect((await branches.delete('m7')).status).toBe(404);
    expect((await branches.goTo('m7')).status).toBe(404);
    const leaf = await api.send('GET', `${path}/messages?leaf=m7`);
    expect(leaf.body).toMatchObject({ code: 'leaf_unknown' });
    const below = await branches.append(['x'], 'm7');
    expect(below.body).toMatchObject({ code: 'parent_unknown' });
    const after = await branches.replace('m7', ['x']);
    expect(after.body).toMatchObject({ code: 'after_unknown' });
  });

  it('is final for a request that is sent again', async () => {
    const { branches } = await longSession();
    const key = { 'idempotency-key': 'before the deletion' };
    await branches.append(['mine'], undefined, key);
    await branches.delete('m1', '?following=true');
    const again = await branches.append(['mine'], undefined, key);
    expect(again.status).toBe(404);
    expect(again.body).toMatchObject({ code: 'messages_gone' });
  });

  it('frees their ids', async () => {
    const { id, branches } = await longSession();
    await branches.delete('m1', '?following=true');
    expect((await branches.append(['m5', 'new', 'm7'])).status).toBe(201);
    // Sent again, they are what was stored since.
    expect((await branches.append(['m5', 'new', 'm7'])).status).toBe(200);
    expect(await branches.ids()).toEqual(['kept1', 'kept2', 'm5', 'new', 'm7']);
    // There is a row for each seq.
    expect(await rowsOf(id)).toBe(LONG + 5);
    await purger.run();
    await endGrace();
    await purger.run();
    expect(await rowsOf(id)).toBe(5);
    expect((await getPage(api, id)).messages).toHaveLength(5);
  });

  it('frees their ids for the messages that replace them', async () => {
    const { id, branches } = await longSession();
    const replaced = await branches.replace('kept1', ['m2', 'kept2'], false);
    expect(replaced.status).toBe(201);
    expect(await ranges().count()).toBe(1);
    expect(wake.mock.calls).toHaveLength(1);
    await branches.replace(null, ['kept1', 'm3'], false);
    expect(await branches.ids()).toEqual(['kept1', 'm3']);
    expect(await rowsOf(id)).toBe(LONG + 6);
  });

  it('leaves an id that another message has', async () => {
    const { id, branches } = await longSession();
    await branches.delete('m1', '?following=true');
    const taken = await branches.append(['m5', 'kept1']);
    expect(taken.body).toMatchObject({ code: 'message_id_taken' });
    expect(await textsOf(id)).toBe(LONG + 2);
    const version = await branches.append(['m5'], 'kept1', {
      'if-match': '"1-1"',
    });
    expect(version.status).toBe(412);
  });

  it('derives a title from the messages after it only', async () => {
    const { id, branches, path } = await longSession({ title: 'x' });
    await api.send('PATCH', path, { title: null });
    await branches.edit('kept1', { content: null, parts: [{ type: 'image' }] });
    await branches.delete('kept2', '?following=true');
    await append(api, id, { role: 'assistant', content: 'hello' });
    await append(api, id, { role: 'user', content: 'A title' });
    expect((await getSession(api, id)).title).toBe('A title');
  });

  it('derives no title if a text follows them', async () => {
    const { id, branches, path } = await longSession({ title: 'x' });
    await append(api, id, { role: 'user', content: 'text', parent_id: null });
    await branches.delete('kept2', '?following=true');
    await branches.edit('kept1', { content: null, parts: [{ type: 'image' }] });
    await api.send('PATCH', path, { title: null });
    await append(api, id, { role: 'user', content: 'No title' });
    expect((await getSession(api, id)).title).toBeNull();
  });
});

it('a large message that is hidden is none that a request sends again', async () => {
  const { id } = await createSession(api);
  const branches = new Branches(api, id);
  await branches.append(['kept']);
  const content = 'x'.repeat(1024 * 1024);
  for (const n of numbers(1, 17)) {
    await append(api, id, { id: `m${n}`, role: 'user', content });
  }
  await branches.delete('m1', '?following=true');
  const ids = numbers(1, 17).map((n) => `m${n}`);
  const response = await branches.append(ids, undefined, {
    'if-match': '"1-1"',
  });
  expect(response.status).toBe(412);
});

describe('after the deletion of many messages', () => {
  it('a clear removes the rows', async () => {
    const { id, branches, path } = await longSession();
    await branches.delete('m1', '?following=true');
    expect((await api.send('POST', `${path}/clear`)).status).toBe(200);
    await branches.append(['m1']);
    await purger.run();
    await api.app.get(Purger).run();
    expect(await rowsOf(id)).toBe(1);
    expect(await branches.ids()).toEqual(['m1']);
  });

  it.each([
    ['all but two', 'm1'],
    ['all', 'kept1'],
  ])(
    'the deletion of the session takes one short transaction, too: %s',
    async (_, first) => {
      const { id, branches, path } = await longSession();
      await branches.delete(first, '?following=true');
      expect((await api.send('DELETE', path)).status).toBe(204);
      expect(await rowsOf(id)).toBe(LONG + 2);
      expect((await sendCreate(api, { id })).status).toBe(503);
      // The session is removed with its rows, whichever purger is first.
      await purger.run();
      await api.app.get(Purger).run();
      expect(await rowsOf(id)).toBe(0);
      expect(await ranges().count()).toBe(0);
      expect((await sendCreate(api, { id })).status).toBe(201);
    },
  );
});

it('blanks rows without being asked', async () => {
  vi.restoreAllMocks();
  const { id, branches } = await longSession();
  await branches.delete('m1', '?following=true');
  await expect.poll(() => textsOf(id), { timeout: 60_000 }).toBe(2);
  const replaced = await longSession();
  await replaced.branches.replace('kept1', ['x'], false);
  await expect.poll(() => textsOf(replaced.id), { timeout: 60_000 }).toBe(2);
});

it('leaves no row of a hidden message when the migration is reverted', async () => {
  const { id, branches } = await longSession();
  await branches.delete('m1', '?following=true');
  await branches.append(['new']);
  await branches.delete('kept2');
  await undoMigrations(api.dataSource, 'AddRangePurges');
  expect(await rowsOf(id)).toBe(2);
  await api.dataSource.runMigrations();
  expect(await branches.ids()).toEqual(['kept1', 'new']);
});
