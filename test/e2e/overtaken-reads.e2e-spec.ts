import { beforeEach, describe, expect, it } from 'vitest';
import {
  MessageReads,
  type MessagesQuery,
} from '../../src/chat-sessions/messages/message-reads.js';
import { ChatSessionsRepository } from '../../src/chat-sessions/store/chat-sessions.repository.js';
import type { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { Database } from '../../src/database/database.js';
import type { UnitOfWork } from '../../src/database/unit-of-work.js';
import { createSession, getSession } from '../support/api.js';
import { Branches } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

let id: string;
let branches: Branches;

beforeEach(async () => {
  ({ id } = await createSession(api));
  branches = new Branches(api, id);
  await branches.append(['a']);
});

/** The session as a request reads it, before another one writes. */
function stale(): Promise<ChatSession> {
  const sessions = api.app.get(ChatSessionsRepository);
  return api.app.get(Database).read(() => sessions.get('local', id));
}

function read<T>(work: (reads: MessageReads) => UnitOfWork<T>): Promise<T> {
  return api.app.get(Database).read(() => work(api.app.get(MessageReads)));
}

function pageOf(session: ChatSession, query: MessagesQuery) {
  return read((reads) => reads.page(session, query, () => undefined));
}

/** The ids of a page, each with that of its parent. */
async function familyOf(session: ChatSession, query: MessagesQuery) {
  const { messages } = await pageOf(session, query);
  return messages.map((one) => [one.id, one.parentId]);
}

describe('a session that changes after it was read', () => {
  it('has no message newer than itself in its page', async () => {
    const session = await stale();
    await branches.edit('a', { content: 'new' });
    const page = await pageOf(session, { limit: 1 });
    expect(page.messages).toMatchObject([{ content: 'new' }]);
    expect(page.session.version).toBe(session.version + 1);
  });

  it('has the message that was appended since', async () => {
    const session = await stale();
    await branches.append(['b']);
    const message = await read((reads) => reads.get(session, 'b'));
    expect(message).toMatchObject({ id: 'b', parentId: 'a' });
    const page = await pageOf(session, { limit: 9, leaf: 'b' });
    expect(page.messages).toHaveLength(2);
  });

  it('has the page of its new branch', async () => {
    await branches.append(['b'], null);
    const session = await stale();
    await branches.append(['c'], 'a');
    const page = await pageOf(session, { limit: 9 });
    expect(page.messages.map((one) => one.id)).toEqual(['b']);
    await branches.delete('b');
    const later = await pageOf(session, { limit: 9 });
    expect(later.messages.map((one) => one.id)).toEqual(['a', 'c']);
    expect(await getSession(api, id)).toMatchObject({ message_count: 2 });
  });
});

describe('a read that a deletion overtakes', () => {
  beforeEach(() => branches.append(['b', 'c', 'd']));

  it('shows what is left', async () => {
    const session = await stale();
    await branches.delete('b');
    expect(await familyOf(session, { limit: 50 })).toEqual([
      ['a', null],
      ['c', 'a'],
      ['d', 'c'],
    ]);
    const found = await read((reads) => reads.withIds(session, ['a', 'b']));
    expect([...found.keys()]).toEqual(['a']);
  });

  it.each([
    ['the path', {}],
    ['a leaf', { leaf: 'd' }],
    ['the tree', { tree: true }],
  ])('shows no deleted parent before a page of %s', async (_, query) => {
    const session = await stale();
    await branches.delete('b');
    expect(await familyOf(session, { limit: 2, ...query })).toEqual([
      ['c', 'a'],
      ['d', 'c'],
    ]);
  });

  it('shows no deleted parent of a message', async () => {
    const session = await stale();
    await branches.delete('b');
    const message = await read((reads) => reads.get(session, 'c'));
    expect(message.parentId).toBe('a');
  });

  it('shows no deleted parent of another branch', async () => {
    await branches.append(['e'], 'b');
    const session = await stale();
    await branches.delete('b');
    expect(await familyOf(session, { limit: 2, tree: true })).toEqual([
      ['d', 'c'],
      ['e', 'a'],
    ]);
    const message = await read((reads) => reads.get(session, 'e'));
    expect(message.parentId).toBe('a');
  });
});
