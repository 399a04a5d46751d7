import { afterEach, expect, it, vi } from 'vitest';
import { ForkCopies } from '../../src/chat-sessions/forks/fork-copies.js';
import { ChatFork } from '../../src/chat-sessions/store/entities/chat-fork.entity.js';
import {
  append,
  createSession,
  getPage,
  getSession,
  sendFork,
  type Session,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { useTestApp } from '../support/test-app.js';
import { undoMigrations } from '../support/test-database.js';

const api = useTestApp();
/** One transaction would copy 2,000. */
const LONG = 2_100;

afterEach(() => vi.restoreAllMocks());

async function count(table: string): Promise<number> {
  const [row] = await api.dataSource.query<{ count: number | string }[]>(
    `SELECT COUNT(*) AS count FROM ${table}`,
  );
  return Number(row!.count);
}

async function fork(id: string): Promise<Session> {
  const { status, body } = await sendFork(api, id);
  expect(status).toBe(201);
  return body.chat_session;
}

/** A long fork as a process leaves it that is killed at the end. */
async function leaveFork(id: string): Promise<void> {
  const copies = api.app.get(ForkCopies);
  const killed = () => {
    throw new Error('killed');
  };
  vi.spyOn(copies, 'publish').mockImplementation(killed);
  vi.spyOn(copies, 'giveUp').mockImplementation(killed);
  expect((await sendFork(api, id)).status).toBe(500);
  vi.restoreAllMocks();
}

it('a revert of AddForks deletes a fork in progress, and keeps those that are complete', async () => {
  const { id } = await createSession(api, {}, LONG);
  const complete = await fork(id);
  const sessions = await count('chat_sessions');
  const messages = await count('chat_messages');
  await leaveFork(id);
  expect(await api.dataSource.getRepository(ChatFork).count()).toBe(1);
  expect(await count('chat_messages')).toBe(messages + LONG);

  await undoMigrations(api.dataSource, 'AddForks');
  try {
    expect(await count('chat_sessions')).toBe(sessions);
    expect(await count('chat_messages')).toBe(messages);
  } finally {
    await api.dataSource.runMigrations();
  }
  expect(await count('chat_forks')).toBe(0);
  const found = await getSession(api, complete.id);
  expect(found).toEqual({ ...complete, forked_from: undefined });
  expect(found.message_count).toBe(LONG);
  expect((await fork(complete.id)).message_count).toBe(LONG);
});

it('a revert of AddNewestIds loses nothing, and appends find the parent after another run', async () => {
  const { id: line } = await createSession(api);
  await append(api, line, { id: 'é1', role: 'user', content: 'x' });
  const { id: tree } = await createSession(api);
  const branches = new Branches(api, tree);
  await branches.append(['a', 'b', 'c']);
  await branches.append(['d'], 'a');
  const before = await Promise.all([line, tree].map((id) => getPage(api, id)));

  await undoMigrations(api.dataSource, 'AddNewestIds');
  await api.dataSource.runMigrations();
  expect(await Promise.all([line, tree].map((id) => getPage(api, id)))).toEqual(
    before,
  );
  const appended = await new Branches(api, line).append(['next']);
  expect(appended.body.messages).toMatchObject([{ parent_id: 'é1' }]);
  const below = await branches.append(['e']);
  expect(below.body.messages).toMatchObject([{ parent_id: 'd' }]);
  expect(await branches.ids()).toEqual(['a', 'd', 'e']);
});
