import { MoreThan } from 'typeorm';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { Database } from '../../src/database/database.js';
import {
  append,
  createSession,
  listSessions,
  type Message,
} from '../support/api.js';
import { onMysql } from '../support/stores.js';
import { useTestApp } from '../support/test-app.js';

const HOUR_MS = 60 * 60 * 1000;
const HELLO = { role: 'user', content: 'Hello' };

const api = useTestApp();

beforeEach(async () => {
  await api.dataSource.getRepository(ChatSession).deleteAll();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Sets the clock of the service, but not that of a MySQL server. */
function setClock(aheadMs: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + aheadMs });
}

/** A session that was written while the clock was ahead. */
async function sessionAhead(milliseconds: number): Promise<string> {
  setClock(milliseconds);
  const { id } = await createSession(api, {}, 1);
  vi.useRealTimers();
  return id;
}

/** Resolves when no session is ahead any more. */
async function corrected(): Promise<void> {
  const soon = new Date(Date.now() + 60_000);
  await expect
    .poll(
      () =>
        api.dataSource
          .getRepository(ChatSession)
          .countBy({ lastActivityAt: MoreThan(soon) }),
      { timeout: 60_000 },
    )
    .toBe(0);
}

async function listed(): Promise<string[]> {
  const { chat_sessions } = await listSessions(api);
  return chat_sessions.map(({ id }) => id);
}

it('a session of a clock that was ahead is first until another is written', async () => {
  const ahead = await sessionAhead(365 * 24 * HOUR_MS);
  const { id: other } = await createSession(api);
  expect(await listed()).toEqual([ahead, other]);
  await corrected();
  await append(api, other, HELLO);
  expect(await listed()).toEqual([other, ahead]);

  await append(api, ahead, HELLO);
  expect(await listed()).toEqual([ahead, other]);
  await corrected();
  await append(api, other, HELLO);
  expect(await listed()).toEqual([other, ahead]);
});

it('so is its history', async () => {
  const history = async () =>
    (await api.send<{ messages: Message[] }>('GET', '/api/history')).body
      .messages;
  await sessionAhead(365 * 24 * HOUR_MS);
  await history();
  await corrected();
  const { id: other } = await createSession(api);
  await append(api, other, { role: 'user', content: 'latest' });
  expect(await history()).toMatchObject([{ content: 'latest' }]);
});

it('a minute ahead is no more than clocks differ', async () => {
  const write = vi.spyOn(api.app.get(Database), 'write');
  const ahead = await sessionAhead(50_000);
  write.mockClear();
  await createSession(api);
  write.mockClear();
  expect((await listed())[0]).toBe(ahead);
  expect(write).not.toHaveBeenCalled();
});

onMysql.describe('a server with a clock of its own', () => {
  it('keeps a clock that is behind from correcting anything', async () => {
    const { id, ownerId, lastActivityAt } = await api.dataSource
      .getRepository(ChatSession)
      .findOneByOrFail({ id: (await createSession(api)).id });
    setClock(-HOUR_MS);
    expect(await listed()).toEqual([id]);
    vi.useRealTimers();
    const sessions = api.dataSource.getRepository(ChatSession);
    expect(await sessions.findOneByOrFail({ id, ownerId })).toMatchObject({
      lastActivityAt,
    });
  });
});

it('a list comes also if the correction fails', async () => {
  const ahead = await sessionAhead(HOUR_MS);
  const warn = vi.spyOn(api.logger, 'warn');
  vi.spyOn(api.app.get(Database), 'write').mockRejectedValueOnce(
    new Error('read-only'),
  );
  expect(await listed()).toEqual([ahead]);
  await expect.poll(() => warn.mock.calls.length, { timeout: 60_000 }).toBe(1);
});
