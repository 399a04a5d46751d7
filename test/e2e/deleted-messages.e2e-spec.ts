import { randomUUID } from 'node:crypto';
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
  vi,
} from 'vitest';
import { RangePurger } from '../../src/chat-sessions/removal/range-purger.js';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatRangePurge } from '../../src/chat-sessions/store/entities/chat-range-purge.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { TreesRepository } from '../../src/chat-sessions/store/trees.repository.js';
import {
  append,
  createSession,
  getPage,
  getSession,
  numbers,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { inParallel } from '../support/parallel.js';
import { TestApp, useTestApp } from '../support/test-app.js';

const DAY_MS = 24 * 60 * 60 * 1000;

const api = useTestApp();
let purger: RangePurger;

beforeEach(() => {
  purger = api.app.get(RangePurger);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await runAfterGrace();
  await expectNoPurges();
});

async function expectNoPurges(): Promise<void> {
  expect(await purges()).toBe(0);
}

/** Runs the purger a day later. */
async function runAfterGrace(): Promise<void> {
  const later = Date.now() + DAY_MS;
  const clock = vi.spyOn(Date, 'now').mockReturnValue(later);
  vi.setSystemTime(later);
  try {
    await purger.run();
  } finally {
    vi.useRealTimers();
    clock.mockRestore();
  }
}

function purges(): Promise<number> {
  return api.dataSource.getRepository(ChatRangePurge).count();
}

function rowsOf(sessionId: string): Promise<ChatMessage[]> {
  return api.dataSource
    .getRepository(ChatMessage)
    .find({ where: { sessionId }, order: { seq: 'ASC' } });
}

async function seqsOf(sessionId: string): Promise<number[]> {
  return (await rowsOf(sessionId)).map(({ seq }) => seq);
}

/** A session with some messages, whose content is their id. */
async function conversation(ids: string, fields: object = {}) {
  const { id } = await createSession(api, fields);
  const branches = new Branches(api, id);
  await branches.append(ids.split(''));
  return { id, branches };
}

describe('the row of a deleted message', () => {
  it('says nothing any more, and stays for a day', async () => {
    const { id, branches } = await conversation('abc');
    const secret = 'a secret that is too long for the column of short ids '
      .repeat(2)
      .trim();
    await append(api, id, {
      id: secret,
      role: 'assistant',
      content: 'secret',
      parts: [{ type: 'text', text: 'secret' }],
      references: [{ secret: 1 }],
      metadata: { secret: 1 },
    });
    await branches.append(['e']);
    expect((await branches.delete(encodeURIComponent(secret))).status).toBe(
      204,
    );
    const [row] = await api.dataSource.query<object[]>(
      `SELECT * FROM chat_messages WHERE session_id = '${id}' AND seq = 4`,
    );
    expect(row).toEqual({
      session_id: id,
      seq: 4,
      owner_id: 'local',
      role: 'assistant',
      created_at: expect.anything() as unknown,
      id: ' 4',
      long_id: null,
      content: '',
      parts: null,
      references: '[]',
      metadata: '{}',
      status: null,
      bytes: 0,
      edited_at: expect.anything() as unknown,
    });
    await purger.run();
    expect(await seqsOf(id)).toEqual([1, 2, 3, 4, 5]);

    const session = await getSession(api, id);
    await runAfterGrace();
    expect(await seqsOf(id)).toEqual([1, 2, 3, 5]);
    expect(await purges()).toBe(0);
    expect(await getSession(api, id)).toEqual(session);
  });

  it('leaves its id to others', async () => {
    const { id, branches } = await conversation('abcd');
    await branches.delete('b');
    expect((await branches.append(['b'])).status).toBe(201);
    const replaced = await branches.replace('a', ['c', 'd', 'e'], false);
    expect(replaced.status).toBe(201);
    expect((await branches.ids()).join('')).toBe('acde');
    expect(await seqsOf(id)).toEqual(numbers(1, 8));
    await runAfterGrace();
    expect(await seqsOf(id)).toEqual([1, 6, 7, 8]);
    expect((await branches.ids()).join('')).toBe('acde');
  });

  it.each([
    ['the first message', 'a', 'bcd'],
    ['the last message', 'd', 'abc'],
    ['one in the middle', 'b', 'acd'],
  ])('is removed after the deletion of %s', async (_, deleted, left) => {
    const { id, branches } = await conversation('abcd');
    await branches.delete(deleted);
    await branches.append(['e']);
    await runAfterGrace();
    expect((await branches.ids()).join('')).toBe(`${left}e`);
    expect(await rowsOf(id)).toHaveLength(4);
  });

  it('is removed after the deletion of all', async () => {
    const { id, branches } = await conversation('abcd');
    await branches.delete('a', '?following=true');
    expect(await rowsOf(id)).toHaveLength(4);
    await runAfterGrace();
    expect(await rowsOf(id)).toEqual([]);
    expect((await branches.append(['a'])).body.messages).toMatchObject([
      { seq: 5, parent_id: null },
    ]);
  });

  it('is no text from which a title is not derived', async () => {
    const { id, branches } = await conversation('ab', { title: 'x' });
    await api.send('PATCH', `/api/chat-sessions/${id}`, { title: null });
    await branches.delete('a', '?following=true');
    await append(api, id, { role: 'assistant', content: 'hello' });
    await append(api, id, { role: 'user', content: 'A title' });
    expect((await getSession(api, id)).title).toBe('A title');
  });
});

describe('after a deletion', () => {
  it('a clear removes all rows', async () => {
    const { id, branches } = await conversation('abcd');
    await branches.delete('b');
    await api.send('POST', `/api/chat-sessions/${id}/clear`);
    expect(await rowsOf(id)).toEqual([]);
    await branches.append(['b']);
    await runAfterGrace();
    expect(await seqsOf(id)).toEqual([5]);
  });

  it('another branch can be shown', async () => {
    const { branches } = await conversation('abcd');
    await branches.append(['e'], 'b');
    await branches.delete('c');
    expect((await branches.goTo('d')).status).toBe(200);
    expect((await branches.ids()).join('')).toBe('abd');
    expect((await branches.goTo('c')).status).toBe(404);
  });

  it('the session can be deleted, and created again with the same id', async () => {
    const { id, branches } = await conversation('abcd');
    await branches.delete('b');
    await branches.delete('a');
    expect(await purges()).toBe(2);
    await api.send('DELETE', `/api/chat-sessions/${id}`);
    expect(await rowsOf(id)).toEqual([]);
    expect(await purges()).toBe(0);
    await createSession(api, { id }, 3);
    await branches.append(['d']);
    await branches.delete('d');
    await runAfterGrace();
    expect(await seqsOf(id)).toEqual([1, 2, 3]);
  });
});

it('rows of messages that exist are never removed', async () => {
  const { id, branches } = await conversation('abcd');
  await branches.delete('b');
  await api.dataSource
    .getRepository(ChatRangePurge)
    .update({ sessionId: id }, { toSeq: 3, dueAt: new Date() });
  await purger.run();
  expect(await purges()).toBe(0);
  expect(await seqsOf(id)).toEqual([1, 2, 3, 4]);
});

it('a session whose rows cannot be removed does not hold up others', async () => {
  const damaged = await conversation('abcd');
  const other = await conversation('abcd');
  for (const { branches } of [damaged, other]) await branches.delete('b');
  const sessions = api.dataSource.getRepository(ChatSession);
  const { id } = damaged;
  const { stretches } = await sessions.findOneOrFail({
    where: { id },
    select: { stretches: true },
  });
  await sessions.update({ id }, { stretches: '[', treeRevision: 'damaged' });
  await expect(runAfterGrace()).rejects.toThrow('damaged tree');
  expect(await seqsOf(other.id)).toEqual([1, 3, 4]);
  expect(await seqsOf(id)).toEqual([1, 2, 3, 4]);
  await sessions.update({ id }, { stretches, treeRevision: 'whole' });
});

it('several instances may remove rows at once', async () => {
  const others = await inParallel(2, async () => {
    const other = new TestApp({
      createDatabase: () =>
        Promise.resolve({ url: api.database.url, remove: async () => {} }),
      environment: { REMOVAL_GRACE: '0' },
    });
    onTestFinished(() => other.stop());
    return other.start();
  });
  const sessions = await inParallel(10, () => conversation('abcdefgh'));
  await inParallel(10, async (n) => {
    const { branches } = sessions[n]!;
    for (const one of ['b', 'd', 'e', 'g']) await branches.delete(one);
  });
  await api.dataSource
    .createQueryBuilder()
    .update(ChatRangePurge)
    .set({ dueAt: new Date() })
    .execute();
  const purgers = others.map((other) => other.app.get(RangePurger));
  await inParallel(3, (n) => [purger, ...purgers][n]!.run());
  expect(await purges()).toBe(0);
  for (const { id, branches } of sessions) {
    expect(await seqsOf(id)).toEqual([1, 3, 6, 8]);
    expect((await branches.ids()).join('')).toBe('acfh');
  }
});

it('removes messages of many ranges', async () => {
  const { id, branches } = await conversation('a');
  await branches.append(['b'], null);
  // Seqs from 3 on are below a and b in turn.
  const last = 2_402;
  const stretches = [
    { from: 1, to: 1, parent: 0 },
    { from: 2, to: 2, parent: 0 },
    ...numbers(3, last).map((seq) => ({
      from: seq,
      to: seq,
      parent: 2 - (seq % 2),
    })),
  ];
  const tree = { firstSeq: 1, lastSeq: last, leafSeq: last, stretches };
  await api.dataSource
    .getRepository(ChatSession)
    .update({ id }, api.app.get(TreesRepository).columnsOf({ id }, tree));
  expect((await branches.delete('a', '?following=true')).status).toBe(204);
  expect(await purges()).toBe(1_201);
  await runAfterGrace();
  expect(await purges()).toBe(0);
  expect(await seqsOf(id)).toEqual([2]);
  await api.send('DELETE', `/api/chat-sessions/${id}`);
});

describe('with a grace period of 0', () => {
  const own = useTestApp({ environment: { REMOVAL_GRACE: '0' } });

  it('removes rows right after the deletion, without being asked', async () => {
    const { id } = await createSession(own);
    const branches = new Branches(own, id);
    await branches.append('abcd'.split(''));
    await branches.delete('b');
    await branches.replace('c', ['e'], false);
    const rows = own.dataSource.getRepository(ChatMessage);
    const seqs = async () =>
      (await rows.find({ order: { seq: 'ASC' } })).map(({ seq }) => seq);
    await expect.poll(seqs, { timeout: 60_000 }).toEqual([1, 3, 5]);
    expect((await getPage(own, id)).messages).toHaveLength(3);
    expect((await branches.delete(randomUUID())).status).toBe(404);
  });
});
