import { beforeEach, describe, expect, it } from 'vitest';
import { NO_MESSAGES } from '../../src/chat-sessions/store/chat-messages.repository.js';
import { append, createSession, getSession } from '../support/api.js';
import { Runs } from '../support/runs.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
const QUESTION = { id: 'q', role: 'user', content: 'A mocha?' };
const HELLO = { role: 'user', content: 'Hello?' };

let id: string;
let runs: Runs;

beforeEach(async () => {
  ({ id } = await createSession(api));
  runs = new Runs(api, id);
});

/** Changes the row of the session past the service. */
async function changeSession(fields: object): Promise<void> {
  await api.dataSource.getRepository('ChatSession').update({ id }, fields);
}

async function expire(): Promise<void> {
  const table = api.dataSource.getRepository('ChatRun');
  await table.update({ sessionId: id }, { leaseUntil: new Date(0) });
}

function deleteAnswer(): Promise<unknown> {
  return api.send('DELETE', `/api/chat-sessions/${id}/messages/a`);
}

describe('a request that is sent again', () => {
  it('does not cancel the run that it has started', async () => {
    const start = { messages: [QUESTION], if_active: 'cancel' };
    const first = await runs.started(start);
    const again = await runs.start(start);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first);
    const other = { ...start, message_id: 'other' };
    expect((await runs.start(other)).body.code).toBe('message_id_taken');
  });

  it('is known by the id of the answer, too', async () => {
    const first = await runs.started({ message_id: 'a' });
    for (const if_active of ['reject', 'cancel']) {
      const again = await runs.start({ message_id: 'a', if_active });
      expect(again.status).toBe(200);
      expect(again.body).toEqual(first);
    }
  });

  it('finds the run that it has finished', async () => {
    await runs.started({ id: 'r' });
    const finish = { fence: 1, status: 'completed', usage: { cost: 1 } };
    const first = await runs.post('r', 'finish', finish);
    expect(first.status).toBe(200);
    const again = await runs.post('r', 'finish', finish);
    expect(again.body).toEqual(first.body);
    const other = { ...finish, status: 'failed' };
    expect(await runs.post('r', 'finish', other)).toMatchObject({
      status: 409,
      body: { code: 'run_ended' },
    });
    expect((await getSession(api, id)).usage).toMatchObject({ runs: 1 });
  });

  it('finds no run whose answer was deleted, although its id was used again', async () => {
    const key = { 'idempotency-key': `first ${id}` };
    const start = { message_id: 'a' };
    await runs.start({ id: 'r', ...start }, key);
    await runs.output('r', 0, 'of r');
    await runs.post('r', 'cancel');
    const path = `/api/chat-sessions/${id}/messages/a`;
    expect((await api.send('DELETE', path)).status).toBe(204);
    const second = { 'idempotency-key': `second ${id}` };
    const other = await runs.start({ id: 's', ...start }, second);
    await runs.finish('s', { content: 'of s' });
    expect((await runs.post('r', 'cancel')).status).toBe(404);
    const again = await runs.start({ id: 's', ...start }, second);
    expect(again.body.run.id).toBe(other.body.run.id);
    expect(again.body.message.content).toBe('of s');
  });

  it('finds the run that waits, also if it was answered since', async () => {
    await runs.started({ id: 'r' });
    const path = `/api/chat-sessions/${id}/runs/r/pause`;
    const pause = '{"fence":1,"interrupts":[{"id":"i","n":1.0},{"id":"j"}]}';
    const send = () => api.send('POST', path, pause);
    expect((await send()).status).toBe(200);
    for (const answered of ['i', 'j']) {
      await runs.post('r', `interrupts/${answered}`, { answer: { '7': 1 } });
      const again = await send();
      expect(again.status).toBe(200);
      expect(again.text).toBe((await runs.get('r')).text);
    }
    const other = pause.replace('1.0', '2.0');
    expect((await api.send('POST', path, other)).status).toBe(409);
    await runs.post('r', 'resume');
    expect((await send()).status).toBe(409);
  });

  it('says that the answer was deleted since', async () => {
    const key = { 'idempotency-key': `start ${id}` };
    const start = { id: 'r', message_id: 'a', messages: [QUESTION] };
    await runs.start(start, key);
    await runs.finish('r', { content: 'Yes' });
    await deleteAnswer();
    for (const again of [
      await runs.start(start, key),
      await runs.start(start),
      await runs.start({ messages: [QUESTION] }),
    ]) {
      expect(again).toMatchObject({
        status: 404,
        body: { code: 'messages_gone' },
      });
    }
    expect((await runs.finish('r')).status).toBe(404);
  });

  it('has its id free after a clear, also if much waits for its removal', async () => {
    for (const count of [0, 2_100]) {
      const session = await createSession(api, {}, count);
      const there = new Runs(api, session.id);
      const path = `/api/chat-sessions/${session.id}/clear`;
      await there.started({ id: 'r' });
      expect((await api.send('POST', path)).status).toBe(409);
      await there.finish('r', { content: 'Yes' });
      expect((await api.send('POST', path)).status).toBe(200);
      expect((await there.start({ id: 'r' })).status).toBe(201);
    }
  });

  it('finds no run of a session that was deleted, also if much waits for its removal', async () => {
    for (const count of [0, 2_100]) {
      const session = await createSession(api, {}, count);
      const there = new Runs(api, session.id);
      await there.started({ id: 'r' });
      await there.finish('r', { content: 'Yes' });
      await there.started({ id: 's' });
      await api.send('DELETE', `/api/chat-sessions/${session.id}`);
      for (const { status } of [
        await there.get('r'),
        await there.get('s'),
        await there.output('s', 0, 'x'),
        await there.finish('s'),
        await there.finish('r'),
        await there.post('s', 'cancel'),
      ]) {
        expect(status).toBe(404);
      }
    }
  });
});

it('a lease is held against the clock, also if the session was written while it was ahead', async () => {
  await changeSession({ updatedAt: new Date(Date.now() + 3_600_000) });
  const { run } = await runs.started({ id: 'r' });
  expect(Date.parse(run.lease_until!)).toBeLessThan(Date.now() + 31_000);
  expect((await runs.output('r', 0, 'x')).status).toBe(200);
  expect((await append(api, id, HELLO)).status).toBe(409);
  expect((await runs.start()).status).toBe(409);
  expect((await runs.finish('r')).body.run.status).toBe('completed');
  await runs.started({ id: 's' });
  expect((await runs.post('s', 'cancel')).body.run.status).toBe('cancelled');
  await runs.started({ id: 't' });
  await runs.started({ if_active: 'cancel' });
  expect((await runs.get('t')).body.run.status).toBe('cancelled');
});

describe('an instance of the version before', () => {
  beforeEach(async () => {
    await append(api, id, { messages: [HELLO, HELLO] });
    await runs.started({ id: 'r', message_id: 'a' });
    await runs.output('r', 0, 'x'.repeat(3_000));
  });

  /** Deletes the answer as it does: the message goes out of sight, and its row stays. */
  async function hideAnswer(): Promise<void> {
    await changeSession({ activeRunSeq: null });
    await deleteAnswer();
    await changeSession({ activeRunSeq: 3 });
  }

  it('may delete the answer: the next start goes on', async () => {
    await hideAnswer();
    expect((await getSession(api, id)).messages).toHaveLength(2);
    expect((await runs.finish('r')).status).toBe(404);
    expect((await runs.post('r', 'cancel')).status).toBe(404);
    const path = `/api/chat-sessions/${id}/fork`;
    expect((await api.send('POST', path, {})).status).toBe(201);
    expect((await runs.start({ if_active: 'cancel' })).status).toBe(201);
    expect((await runs.get('r')).status).toBe(404);
  });

  it('may delete the answer: an append goes on after the lease', async () => {
    await hideAnswer();
    await expire();
    expect((await append(api, id, HELLO)).status).toBe(201);
    const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(headers.etag).toBeDefined();
  });

  it('may clear the session: reads and writes go on', async () => {
    const messages = api.dataSource.getRepository('ChatMessage');
    await messages.delete({ sessionId: id });
    await changeSession(NO_MESSAGES);
    expect((await getSession(api, id)).messages).toEqual([]);
    expect((await runs.output('r', 3_000, 'x')).status).toBe(404);
    expect((await append(api, id, HELLO)).status).toBe(201);
    const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(headers.etag).toBeDefined();
  });
});
