import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ForkCopies,
  type Progress,
} from '../../src/chat-sessions/forks/fork-copies.js';
import { ForkSweeper } from '../../src/chat-sessions/forks/fork-sweeper.js';
import { Purger } from '../../src/chat-sessions/removal/purger.js';
import { ChatFork } from '../../src/chat-sessions/store/entities/chat-fork.entity.js';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import { ChatPurge } from '../../src/chat-sessions/store/entities/chat-purge.entity.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { Database } from '../../src/database/database.js';
import {
  append,
  createSession,
  getSession,
  listSessions,
  type Message,
  sendFork,
  userMessages,
} from '../support/api.js';
import { Branches } from '../support/branches.js';
import { inParallel } from '../support/parallel.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
/** One transaction would copy 2,000. */
const LONG = 2_100;

let id: string;

beforeEach(async () => {
  ({ id } = await createSession(api, { title: 'Long' }, LONG));
});

afterEach(() => vi.restoreAllMocks());

/** All messages of the path. */
async function messagesOf(sessionId: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const { body } = await api.send<{ messages: Message[] }>(
      'GET',
      `/api/chat-sessions/${sessionId}/messages?limit=200&after=${after}`,
    );
    if (body.messages.length === 0) return all;
    all.push(...body.messages);
  }
}

/** Runs something after the first batches of copies: once, or this many times. */
function betweenBatches(run: () => Promise<unknown>, times = 1) {
  const database = api.app.get(Database);
  const write = database.write.bind(database);
  vi.spyOn(database, 'write').mockImplementation(async (work) => {
    const result = await write(work);
    const isBatch =
      (result as Partial<Progress> | undefined)?.lastSeq === 1_000;
    if (isBatch && times-- > 0) await run();
    return result;
  });
}

async function forked(body?: object): Promise<Message[]> {
  const response = await sendFork(api, id, body);
  expect(response.status).toBe(201);
  return messagesOf(response.body.chat_session.id);
}

function countOf(entity: new () => object): Promise<number> {
  return api.dataSource.getRepository(entity).count();
}

/** Runs something eleven minutes from now. */
async function later(run: () => Promise<unknown>): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
  await run().finally(() => vi.useRealTimers());
}

/** Checks that nothing is left of forks that were not completed. */
async function expectNoHidden(): Promise<void> {
  await api.app.get(Purger).run();
  expect(await countOf(ChatFork)).toBe(0);
  expect(await countOf(ChatPurge)).toBe(0);
  const hidden = await api.dataSource
    .getRepository(ChatSession)
    .countBy({ ownerId: '' });
  expect(hidden).toBe(0);
}

describe('a fork of a long session', () => {
  it('has all messages, and is not seen before', async () => {
    const before = await listSessions(api);
    betweenBatches(async () => {
      expect(await listSessions(api)).toEqual(before);
    });
    expect(await forked()).toEqual(await messagesOf(id));
    expect.assertions(3);
  });

  it('has the path as it was, whatever is appended meanwhile', async () => {
    const before = await messagesOf(id);
    const branches = new Branches(api, id);
    betweenBatches(async () => {
      await inParallel(8, (n) => branches.append([`m${n}`]));
      await branches.append(['z'], 'm1');
    });
    expect(await forked()).toEqual(before);
  });

  it.each([100, 1_500])(
    'does not have message %i, which is deleted meanwhile',
    async (seq) => {
      const before = await messagesOf(id);
      const messageId = before[seq]!.id;
      betweenBatches(() => new Branches(api, id).delete(messageId));
      const ids = (await forked()).map((one) => one.id);
      expect(ids).toEqual(
        before.map((one) => one.id).filter((one) => one !== messageId),
      );
    },
  );

  it('ends with the given message, also if another branch is shown meanwhile', async () => {
    const before = await messagesOf(id);
    const branches = new Branches(api, id);
    const last = before[LONG - 50]!;
    betweenBatches(() => branches.replace(before[10]!.id, ['x']));
    const messages = await forked({ message_id: last.id });
    expect(messages.map((one) => one.id)).toEqual(
      before.slice(0, LONG - 49).map((one) => one.id),
    );
  });

  it('shows messages that are changed meanwhile', async () => {
    const before = await messagesOf(id);
    const branches = new Branches(api, id);
    betweenBatches(async () => {
      await branches.edit(before[1]!.id, { content: 'too late' });
      await branches.edit(before[LONG - 1]!.id, { content: 'in time' });
    });
    const messages = await forked();
    expect(messages[1]).toEqual(before[1]);
    expect(messages.at(-1)!.content).toBe('in time');
  });

  it('is 404 if the session is deleted meanwhile', async () => {
    betweenBatches(() => api.send('DELETE', `/api/chat-sessions/${id}`));
    expect((await sendFork(api, id)).status).toBe(404);
  });

  it.each([true, false])(
    'begins again if it was given up; its messages removed: %s',
    async (isRemoved) => {
      const purger = api.app.get(Purger);
      vi.spyOn(purger, 'wake').mockReturnValue(undefined);
      betweenBatches(async () => {
        await later(() => api.app.get(ForkSweeper).run());
        if (isRemoved) await purger.run();
      });
      expect(await forked()).toHaveLength(LONG);
      await expectNoHidden();
    },
  );

  it('is 503 if the session loses messages each time', async () => {
    const ids = (await messagesOf(id)).map((one) => one.id);
    const branches = new Branches(api, id);
    betweenBatches(() => branches.delete(ids.pop()!), 5);
    const { status, body, headers } = await sendFork(api, id);
    expect([status, headers['retry-after']]).toEqual([503, '1']);
    expect(body).toMatchObject({ code: 'fork_interrupted' });
    await expectNoHidden();
  });

  it('with an Idempotency-Key is done once', async () => {
    const headers = { 'idempotency-key': 'long' };
    const begin = vi.spyOn(api.app.get(ForkCopies), 'begin');
    const requests = await inParallel(9, () => sendFork(api, id, {}, headers));
    requests.push(await sendFork(api, id, {}, headers));
    expect(begin).toHaveBeenCalledTimes(1);
    const done = requests.filter(({ status }) => status === 201);
    const refused = requests.filter(({ status }) => status === 409);
    expect(done.length + refused.length).toBe(10);
    for (const { body } of refused) {
      expect(body).toMatchObject({ code: 'key_in_use' });
    }
    const ids = done.map(({ body }) => body.chat_session.id);
    expect(new Set(ids).size).toBe(1);
    const { chat_sessions: sessions } = await listSessions(api);
    const forks = sessions.filter((one) => one.forked_from?.session_id === id);
    expect(forks).toHaveLength(1);
  });

  it('is removed if its process ends before it is complete', async () => {
    await api.app.get(Purger).run();
    const sessions = await countOf(ChatSession);
    const messages = await countOf(ChatMessage);
    betweenBatches(() => {
      vi.spyOn(api.app.get(ForkCopies), 'giveUp').mockImplementation(() => {
        throw new Error('killed');
      });
      throw new Error('killed');
    });
    expect((await sendFork(api, id)).status).toBe(500);
    vi.restoreAllMocks();
    const sweeper = api.app.get(ForkSweeper);
    await sweeper.run();
    expect(await countOf(ChatFork)).toBe(1);
    expect(await countOf(ChatMessage)).toBe(messages + 1_000);
    await later(() => sweeper.run());
    await api.app.get(Purger).run();
    expect(await countOf(ChatMessage)).toBe(messages);
    expect(await countOf(ChatSession)).toBe(sessions);
    await expectNoHidden();
  });

  it('knows its largest message and its last text', async () => {
    const before = await messagesOf(id);
    const branches = new Branches(api, id);
    const content = 'y'.repeat(100_000);
    betweenBatches(() => branches.edit(before[LONG - 1]!.id, { content }));
    const { body } = await sendFork(api, id);
    const { id: forkId, created_at, updated_at } = body.chat_session;
    expect(updated_at >= created_at).toBe(true);
    const row = await api.dataSource
      .getRepository(ChatSession)
      .findOneByOrFail({ id: forkId });
    expect(row.preview).toBe('y'.repeat(160));
    expect(row.maxMessageBytes).toBeGreaterThan(100_000);
  });
});

it('copies large messages in batches of 4 MiB', async () => {
  const { id: large } = await createSession(api);
  for (let seq = 1; seq <= 20; seq++) {
    const content = `${seq} ${'x'.repeat(1_000_000)}`;
    await append(api, large, { role: 'user', content });
  }
  const database = api.app.get(Database);
  const write = vi.spyOn(database, 'write');
  const { status, body } = await sendFork(api, large);
  expect(status).toBe(201);
  const counts = write.mock.settledResults.flatMap(
    ({ value }) => (value as Partial<Progress>).count ?? [],
  );
  expect(counts).toEqual([4, 8, 12, 16, 20]);
  const { messages } = await getSession(api, body.chat_session.id);
  expect(messages.at(-1)!.content.slice(0, 3)).toBe('20 ');
});

it('copies a path through many branches', async () => {
  const { id: comb } = await createSession(api);
  const branches = new Branches(api, comb);
  await append(api, comb, { messages: userMessages(100) });
  let parent = (await getSession(api, comb)).messages.at(-1)!.id;
  for (let n = 0; n < 30; n++) {
    const ids = [`a${n}`, `b${n}`];
    await branches.append([ids[0]!], parent);
    await branches.append([ids[1]!], parent);
    parent = ids[1]!;
  }
  const { body } = await sendFork(api, comb);
  const copied = await messagesOf(body.chat_session.id);
  const source = await messagesOf(comb);
  expect(copied.map((one) => one.id)).toEqual(source.map((one) => one.id));
  expect(copied.map(({ seq }) => seq)).toEqual(
    [...copied.keys()].map((n) => n + 1),
  );
});
