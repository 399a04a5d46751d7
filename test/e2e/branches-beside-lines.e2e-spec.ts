import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { createSession, getPage, getSession } from '../support/api.js';
import { Branches } from '../support/branches.js';
import { TestApp, useTestApp } from '../support/test-app.js';
import { undoMigrations } from '../support/test-database.js';

// The version before knows sessions as lines: `message_count` seqs up to `last_seq`.

const api = useTestApp();

let id: string;
let branches: Branches;

beforeEach(async () => {
  ({ id } = await createSession(api));
  branches = new Branches(api, id);
  await branches.append(['a', 'b', 'c', 'd']);
});

function sessions() {
  return api.dataSource.getRepository(ChatSession);
}

/** Appends as the version before does. */
async function appendInLine(messageId: string): Promise<void> {
  const { lastSeq, ownerId, messageCount, version } =
    await sessions().findOneByOrFail({ id });
  await api.dataSource.getRepository(ChatMessage).insert({
    sessionId: id,
    seq: lastSeq + 1,
    idKey: messageId,
    ownerId,
    role: 'user',
    content: messageId,
    parts: null,
    references: [],
    metadata: {},
    bytes: 100,
    createdAt: new Date(),
  });
  await sessions().update(
    { id },
    {
      lastSeq: lastSeq + 1,
      messageCount: messageCount + 1,
      version: version + 1,
    },
  );
}

/** Clears as the version before does. */
async function clearInLine(): Promise<void> {
  const { version } = await sessions().findOneByOrFail({ id });
  await api.dataSource.getRepository(ChatMessage).delete({ sessionId: id });
  await sessions().update(
    { id },
    { messageCount: 0, preview: null, version: version + 1 },
  );
}

describe('the version before', () => {
  it.each([
    ['at the newest message', ['e'], 'b', 'abe'],
    ['at an older leaf', ['e'], 'a', 'abcd'],
  ])('appends to a branch %s', async (_, ids, parent, shown) => {
    await branches.append(ids, parent);
    if (shown === 'abcd') await branches.goTo('d');
    await appendInLine('f');
    await appendInLine('g');
    expect((await branches.ids()).join('')).toBe(`${shown}fg`);
    expect(await getSession(api, id)).toMatchObject({ message_count: 7 });
    // This version goes on from there.
    await branches.append(['h']);
    await branches.append(['i'], 'f');
    expect((await branches.ids()).join('')).toBe(`${shown}fi`);
    expect((await branches.ids('leaf=h')).join('')).toBe(`${shown}fgh`);
  });

  it('appends to a line, which this version goes on', async () => {
    await appendInLine('e');
    const { body } = await branches.append(['f']);
    expect(body.messages).toMatchObject([{ id: 'f', parent_id: 'e' }]);
    await clearInLine();
    const first = await branches.append(['g']);
    expect(first.body.messages).toMatchObject([{ id: 'g', parent_id: null }]);
    await clearInLine();
    await appendInLine('h');
    const next = await branches.append(['i', 'j']);
    expect(next.body.messages).toMatchObject([
      { id: 'i', parent_id: 'h' },
      { id: 'j', parent_id: 'i' },
    ]);
  });

  it('clears a session with branches and deleted messages', async () => {
    await branches.append(['e'], 'b');
    await branches.delete('b');
    await clearInLine();
    expect(await getSession(api, id)).toMatchObject({
      message_count: 0,
      messages: [],
    });
    await appendInLine('f');
    expect((await branches.ids()).join('')).toBe('f');
    await branches.append(['g'], null);
    const { messages, message_count } = await getSession(api, id);
    expect(messages).toMatchObject([{ parent_id: null, siblings: [6, 7] }]);
    expect(message_count).toBe(2);
  });

  it('finds a line in order of arrival after the migrations are reverted', async () => {
    const app = new TestApp({});
    onTestFinished(() => app.stop());
    await app.start();
    const { id: own } = await createSession(app);
    const tree = new Branches(app, own);
    await tree.append(['a', 'b', 'c', 'd', 'e', 'f']);
    await tree.append(['g', 'h'], 'b');
    await tree.delete('b');
    await tree.delete('d');
    await tree.delete('h');
    await tree.append(['i']);
    const untouched = await createSession(app, {}, 2);
    await undoMigrations(app.dataSource, 'AddTrees');
    const rows = await app.dataSource.query<{ id: string; seq: number }[]>(
      `SELECT id, seq FROM chat_messages WHERE session_id = '${own}' ORDER BY seq`,
    );
    expect(rows).toEqual(
      [...['a', 'c', 'e', 'f', 'g', 'i'].entries()].map(([index, one]) => ({
        id: one,
        seq: index + 4,
      })),
    );
    const [session] = await app.dataSource.query<object[]>(
      `SELECT message_count, last_seq FROM chat_sessions WHERE id = '${own}'`,
    );
    expect(session).toEqual({ message_count: 6, last_seq: 9 });
    await app.dataSource.runMigrations();
    expect((await tree.ids()).join('')).toBe('acefgi');
    expect((await getPage(app, untouched.id)).messages).toHaveLength(2);
  });
});

describe('a session whose stretches are damaged', () => {
  it.each(['[', '[4,0,3]', '[99,0,3,0]', '[4,2,1,0]'])(
    'answers 500, and can be cleared: %s',
    async (stretches) => {
      await branches.append(['e'], 'b');
      await sessions().update({ id }, { stretches, treeRevision: 'damaged' });
      const read = await api.send('GET', `/api/chat-sessions/${id}`);
      expect(read.status).toBe(500);
      const other = await createSession(api, {}, 1);
      expect((await getSession(api, other.id)).message_count).toBe(1);
      const path = `/api/chat-sessions/${id}/clear`;
      expect((await api.send('POST', path)).status).toBe(200);
      await branches.append(['f']);
      expect(await branches.ids()).toEqual(['f']);
    },
  );
});
