import { describe, expect, it } from 'vitest';
import { createSession, getSession, sendFork } from '../support/api.js';
import { Runs } from '../support/runs.js';
import { TestApp, useTestApp } from '../support/test-app.js';

const api = useTestApp();

describe('a run of a long session', () => {
  it('is copied by a fork as far as it is written', async () => {
    const { id } = await createSession(api, {}, 2_100);
    const runs = new Runs(api, id);
    await runs.started({ id: 'r', message_id: 'a' });
    const text = 'Half of it '.repeat(300);
    await runs.output('r', 0, text);
    const { status, body } = await sendFork(api, id);
    expect(status).toBe(201);
    const { id: forkId } = body.chat_session;
    const fork = await getSession(api, forkId);
    expect(fork.message_count).toBe(2_101);
    expect(fork.active_run).toBeUndefined();
    expect(fork.messages.at(-1)).toMatchObject({
      id: 'a',
      content: text,
      status: 'partial',
    });
    const { body: ended } = await runs.finish('r');
    expect(ended.message.content).toBe(text);
    expect((await new Runs(api, forkId).start()).status).toBe(201);
  });

  it('may end while a fork copies it', async () => {
    const { id } = await createSession(api, {}, 2_100);
    const runs = new Runs(api, id);
    await runs.started({ id: 'r', message_id: 'a' });
    await runs.output('r', 0, 'Half');
    const [{ body }] = await Promise.all([
      sendFork(api, id),
      runs.finish('r', { content: 'Whole' }),
    ]);
    const { messages } = await getSession(api, body.chat_session.id);
    const { content, status } = messages.at(-1)!;
    expect([
      ['Half', 'partial'],
      ['Whole', undefined],
    ]).toContainEqual([content, status]);
  });
});

it('a shutdown waits until a run is expired', async () => {
  const stopped = await new TestApp({}).start();
  const remove = stopped.database.remove.bind(stopped.database);
  stopped.database.remove = () => Promise.resolve();
  try {
    const { id } = await createSession(stopped);
    const runs = new Runs(stopped, id);
    await runs.started({ id: 'r' });
    const table = stopped.dataSource.getRepository('ChatRun');
    await table.update({ sessionId: id }, { leaseUntil: new Date(0) });
    const { active_run: run } = await getSession(stopped, id);
    expect(run).toBeUndefined();
    await stopped.stop();
    expect(stopped.logger.warnings).toEqual([]);
    const { url } = stopped.database;
    const next = await new TestApp({
      createDatabase: () => Promise.resolve({ url, remove }),
    }).start();
    try {
      const { headers } = await next.send('GET', `/api/chat-sessions/${id}`);
      expect(headers.etag).toBeDefined();
    } finally {
      await next.stop();
    }
  } finally {
    await stopped.stop().catch(() => undefined);
  }
});
