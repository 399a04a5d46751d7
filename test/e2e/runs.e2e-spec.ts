import { beforeEach, describe, expect, it } from 'vitest';
import {
  A_TIME,
  append,
  createSession,
  errorBody,
  getPage,
  getSession,
  NOBODYS_ID,
} from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { Runs } from '../support/runs.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
const QUESTION = { id: 'q', role: 'user', content: 'A mocha?' };

let id: string;
let runs: Runs;

beforeEach(async () => {
  ({ id } = await createSession(api));
  runs = new Runs(api, id);
});

/** Moves the end of a run's lease to the past. */
async function expire(runId: string): Promise<void> {
  const table = api.dataSource.getRepository('ChatRun');
  await table.update({ sessionId: id, id: runId }, { leaseUntil: new Date(0) });
}

describe('a start', () => {
  it('appends the question and an open answer', async () => {
    const { status, body, headers } = await runs.start({
      id: 'r',
      message_id: 'a',
      messages: [QUESTION],
      metadata: { device: 'phone' },
    });
    expect(status).toBe(201);
    expect(headers.etag).toBeDefined();
    expect(body).toEqual({
      run: {
        id: 'r',
        status: 'active',
        message_id: 'a',
        fence: 1,
        lease_seconds: 30,
        lease_until: A_TIME,
        offset: 0,
        metadata: { device: 'phone' },
        error: null,
        interrupts: [],
        started_at: A_TIME,
        ended_at: null,
      },
      messages: [expect.objectContaining({ ...QUESTION, seq: 1 })],
      message: expect.objectContaining({
        id: 'a',
        seq: 2,
        parent_id: 'q',
        role: 'assistant',
        content: '',
        parts: [],
        status: 'open',
      }),
    });
  });

  it('is refused while another run is active, with that run', async () => {
    const { run } = await runs.started({ id: 'r' });
    const refused = await runs.start({ id: 's' });
    expect(refused.status).toBe(409);
    expect(refused.body).toEqual({
      ...errorBody(
        'An answer is being written in the chat session',
        'run_active',
      ),
      run,
    });
  });

  it('ends the active run first if it is asked to', async () => {
    await runs.started({ id: 'r', message_id: 'a' });
    await runs.output('r', 0, 'Half');
    const second = await runs.started({ id: 's', if_active: 'cancel' });
    expect(second.message.parent_id).toBe('a');
    const late = await runs.output('r', 4, ' more');
    expect(late.status).toBe(409);
    expect(late.body).toMatchObject({
      code: 'run_ended',
      run: { id: 'r', status: 'cancelled' },
    });
    const { messages } = await getSession(api, id);
    expect(messages.map((one) => [one.content, one.status])).toEqual([
      ['Half', 'partial'],
      ['', 'open'],
    ]);
  });

  it('that is sent again returns the run as it is', async () => {
    const start = { id: 'r', messages: [QUESTION] };
    const first = await runs.started(start);
    const again = await runs.start(start);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first);
    await runs.output('r', 0, 'Yes');
    await runs.finish('r');
    const later = await runs.start(start);
    expect(later.body).toMatchObject({
      run: { status: 'completed' },
      messages: [{ id: 'q' }],
      message: { content: 'Yes' },
    });
    for (const other of [
      { id: 'r' },
      { id: 'r', messages: [{ ...QUESTION, content: 'Tea?' }] },
    ]) {
      expect(await runs.start(other)).toMatchObject({
        status: 409,
        body: { code: 'run_id_taken' },
      });
    }
  });

  it('whose message ids are taken is refused', async () => {
    await append(api, id, QUESTION);
    for (const start of [
      { message_id: 'q' },
      { id: 'r', message_id: 'q' },
      { messages: [QUESTION] },
      { messages: [{ ...QUESTION, content: 'Tea?' }] },
    ]) {
      expect(await runs.start(start)).toMatchObject({
        status: 409,
        body: { code: 'message_id_taken' },
      });
    }
  });

  it('with an Idempotency-Key is done once', async () => {
    const key = { 'idempotency-key': `start ${id}` };
    const first = await runs.start({ messages: [QUESTION] }, key);
    const again = await runs.start({ messages: [QUESTION] }, key);
    expect(again.status).toBe(201);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
  });

  it('answers an earlier message', async () => {
    await append(api, id, {
      messages: [QUESTION, { id: 'x', role: 'assistant', content: 'No' }],
    });
    const { message } = await runs.started({ parent_id: 'q' });
    expect(message).toMatchObject({ parent_id: 'q', siblings: [2, 3] });
  });
});

describe('an output', () => {
  beforeEach(async () => {
    await runs.started({ id: 'r', message_id: 'a', messages: [QUESTION] });
  });

  it('is shown by every read before the run has ended', async () => {
    await runs.output('r', 0, 'One large ');
    const { status, body } = await runs.output('r', 10, 'mocha');
    expect(status).toBe(200);
    expect(body).toEqual({ offset: 15, lease_until: A_TIME });
    const shown = { content: 'One large mocha', parts: null, status: 'open' };
    const session = await getSession(api, id);
    expect(session).toMatchObject({
      active_run: { id: 'r', offset: 15 },
      messages: [{}, shown],
    });
    const page = await getPage(api, id);
    expect(page.messages[1]).toMatchObject(shown);
    const path = `/api/chat-sessions/${id}/messages/a`;
    const message = await api.send('GET', path);
    expect(message.body).toMatchObject({ message: shown });
  });

  it('needs no ETag: a read has none meanwhile, and is never 304', async () => {
    const path = `/api/chat-sessions/${id}`;
    const renamed = await api.send('PATCH', path, { title: 'Mocha' });
    const { etag } = renamed.headers;
    await runs.output('r', 0, 'One');
    const read = await api.send('GET', path, undefined, {
      'if-none-match': etag!,
    });
    expect(read.status).toBe(200);
    expect(read.headers.etag).toBeUndefined();
    await runs.finish('r');
    expect((await api.send('GET', path)).headers.etag).toBeDefined();
  });

  it('that is sent again is answered as before', async () => {
    await runs.output('r', 0, 'One ');
    await runs.output('r', 4, 'large');
    for (const [offset, text] of [
      [4, 'large'],
      [0, 'One '],
      [0, 'One large'],
      [9, ''],
    ] as const) {
      const again = await runs.output('r', offset, text);
      expect(again).toMatchObject({ status: 200, body: { offset: 9 } });
    }
    const longer = await runs.output('r', 4, 'large mocha');
    expect(longer.body.offset).toBe(15);
    const { messages } = await getSession(api, id);
    expect(messages[1]!.content).toBe('One large mocha');
  });

  it('that leaves a gap, or differs from what is stored, is refused with the offset', async () => {
    await runs.output('r', 0, 'One');
    for (const [offset, content] of [
      [4, 'x'],
      [0, 'Two'],
      [1, 'nf'],
      [0, [{ type: 'x' }]],
    ] as const) {
      const refused = await runs.output('r', offset, content as string);
      expect(refused.status).toBe(409);
      expect(refused.body).toEqual({
        ...errorBody(
          'The output does not continue the answer',
          'offset_mismatch',
        ),
        offset: 3,
      });
    }
  });

  it('keeps surrogate pairs that were cut', async () => {
    const text = 'a😀b👨‍👩‍👧'.repeat(500);
    for (let at = 0; at < text.length; at += 7) {
      const { status } = await runs.output('r', at, text.slice(at, at + 7));
      expect(status).toBe(200);
    }
    const { body } = await runs.finish('r');
    expect(body.message.content).toBe(text);
  });

  it('with parts stands between texts, and counts one for each', async () => {
    const call = { type: 'tool_call', id: '1', arguments: { big: 1 } };
    await runs.output('r', 0, 'Let me see. ');
    const { body } = await runs.output('r', 12, [call, call]);
    expect(body.offset).toBe(14);
    await runs.output('r', 14, 'Done.');
    const ended = await runs.finish('r');
    expect(ended.body.message).toMatchObject({
      content: 'Let me see. \nDone.',
      parts: [
        { type: 'text', text: 'Let me see. ' },
        call,
        call,
        { type: 'text', text: 'Done.' },
      ],
    });
  });

  it('keeps the numbers of parts as they were sent', async () => {
    const path = `/api/chat-sessions/${id}/runs/r/output`;
    const partOf = (n: number) =>
      `{"type":"x","n":${n},"id":12345678901234567890,"f":1.0}`;
    const send = (offset: number, ...parts: number[]) =>
      api.send<{ offset: number }>(
        'POST',
        path,
        `{"fence":1,"offset":${offset},"parts":[${parts.map(partOf).join()}]}`,
      );
    expect((await send(0, 1)).status).toBe(200);
    expect((await send(0, 1)).body.offset).toBe(1);
    expect((await send(0, 1, 2)).body.offset).toBe(2);
    expect((await send(2, 3, 4)).body.offset).toBe(4);
    expect((await send(1, 2, 3)).body.offset).toBe(4);
    const expected = `"parts":[${[1, 2, 3, 4].map(partOf).join()}]`;
    const open = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(open.text).toContain(expected);
    const ended = await runs.finish('r');
    expect(ended.text).toContain(expected);
    const read = await api.send('GET', `/api/chat-sessions/${id}/messages`);
    expect(read.text).toContain(expected);
  });

  it('never keeps readers from what is written', async () => {
    let isOver = false;
    const statuses = new Set<number>();
    const reading = inParallel(4, async () => {
      while (!isOver) {
        const read = await api.send('GET', `/api/chat-sessions/${id}`);
        statuses.add(read.status);
      }
    });
    try {
      // Each is a row.
      for (let offset = 0; offset < 300; offset++) {
        const { status } = await runs.output('r', offset, [{ type: 'x' }]);
        expect(status).toBe(200);
      }
    } finally {
      isOver = true;
      await reading;
    }
    expect([...statuses]).toEqual([200]);
  });

  it('is refused after the lease, also if the next run has begun', async () => {
    await runs.output('r', 0, 'Half');
    await expire('r');
    expect(await runs.output('r', 4, '!')).toMatchObject({
      status: 409,
      body: { code: 'run_ended', run: { status: 'expired' } },
    });
    await runs.started({ id: 's' });
    expect(await runs.output('r', 4, '!')).toMatchObject({
      status: 409,
      body: { code: 'run_ended', run: { status: 'expired' } },
    });
    const { messages } = await getSession(api, id);
    expect(messages[1]).toMatchObject({ content: 'Half', status: 'partial' });
  });
});

describe('the end of a run', () => {
  beforeEach(async () => {
    await runs.started({ id: 'r', message_id: 'a', messages: [QUESTION] });
    await runs.output('r', 0, 'One large mocha');
  });

  it('makes the outputs the message, once', async () => {
    const usage = { model: 'large', input_tokens: 3, cost: 0.1 };
    const first = await runs.finish('r', { usage });
    expect(first.status).toBe(200);
    expect(first.body.run).toMatchObject({
      status: 'completed',
      lease_until: null,
      ended_at: A_TIME,
      usage: { ...usage, output_tokens: 0 },
    });
    expect(first.body.message).toMatchObject({
      content: 'One large mocha',
      parts: null,
      edited_at: null,
    });
    expect(first.body.message.status).toBeUndefined();
    const again = await runs.finish('r', { usage });
    expect(again.body).toEqual(first.body);
    const session = await getSession(api, id);
    expect(session.usage).toEqual({
      runs: 1,
      input_tokens: 3,
      output_tokens: 0,
      cached_tokens: 0,
      reasoning_tokens: 0,
      cost: 0.1,
    });
    expect(session.active_run).toBeUndefined();
    expect(session.version).toBe(3);
  });

  it('takes what the writer gives instead', async () => {
    const { body } = await runs.finish('r', {
      content: 'Two.',
      references: [{ url: 'x' }],
      metadata: { finish: 'stop' },
    });
    expect(body.message).toMatchObject({
      content: 'Two.',
      references: [{ url: 'x' }],
      metadata: { finish: 'stop' },
    });
  });

  it('has the content or the parts that the writer gives in place of all parts', async () => {
    const part = { type: 'tool_call' };
    await runs.output('r', 15, [part]);
    const { body } = await runs.finish('r', { content: 'Final' });
    expect(body.message).toMatchObject({ content: 'Final', parts: null });
    await runs.started({ id: 's' });
    await runs.output('s', 0, 'Draft');
    const parts = [{ type: 'text', text: 'Final' }, part];
    const ended = await runs.finish('s', { parts });
    expect(ended.body.message).toMatchObject({ content: 'Final', parts });
  });

  it('by failure leaves a partial answer and the error', async () => {
    const error = { code: 'overloaded' };
    const { body } = await runs.finish('r', { status: 'failed', error });
    expect(body).toMatchObject({
      run: { status: 'failed', error },
      message: { content: 'One large mocha', status: 'partial' },
    });
  });

  it('by anybody stops the writer', async () => {
    const stopped = await runs.post('r', 'cancel');
    expect(stopped.body).toMatchObject({
      run: { status: 'cancelled' },
      message: { content: 'One large mocha', status: 'partial' },
    });
    expect((await runs.post('r', 'cancel')).body).toEqual(stopped.body);
    for (const late of [
      await runs.output('r', 15, '!'),
      await runs.finish('r'),
      await runs.post('r', 'pause', { fence: 1, interrupts: [{ id: 'x' }] }),
    ]) {
      expect(late).toMatchObject({ status: 409, body: { code: 'run_ended' } });
      expect(late.body.run).toEqual(stopped.body.run);
    }
  });

  it('comes with the end of its lease, whoever looks next', async () => {
    await expire('r');
    expect((await runs.get('r')).body.run).toMatchObject({
      status: 'expired',
      ended_at: A_TIME,
    });
    const session = await getSession(api, id);
    expect(session.active_run).toBeUndefined();
    expect(session.messages[1]).toMatchObject({
      content: 'One large mocha',
      status: 'partial',
    });
    await append(api, id, { role: 'user', content: 'Hello?' });
    expect(await getSession(api, id)).toMatchObject({ message_count: 3 });
  });
});

describe('while a run is active', () => {
  beforeEach(async () => {
    await append(api, id, QUESTION);
    await runs.started({ id: 'r', message_id: 'a' });
    await runs.output('r', 0, 'Half');
  });

  it('messages cannot be appended, cleared, deleted or replaced', async () => {
    const path = `/api/chat-sessions/${id}`;
    const message = { role: 'user', content: 'x' };
    for (const refused of [
      await api.send('POST', `${path}/messages`, message),
      await api.send('POST', `${path}/clear`),
      await api.send('DELETE', `${path}/messages/q`),
      await api.send('POST', `${path}/messages/replace`, {
        after_id: 'q',
        messages: [message],
      }),
      await api.send('PATCH', `${path}/messages/a`, { content: 'x' }),
    ]) {
      expect(refused).toMatchObject({
        status: 409,
        body: { code: 'run_active', run: { id: 'r', offset: 4 } },
      });
    }
  });

  it('the session and other messages can be changed', async () => {
    const path = `/api/chat-sessions/${id}`;
    for (const { status } of [
      await api.send('PATCH', path, { title: 'x' }),
      await api.send('PUT', `${path}/config`, { config: {} }),
      await api.send('PATCH', `${path}/messages/q`, { content: 'Tea?' }),
      await api.send('PUT', `${path}/leaf`, { message_id: 'q' }),
    ]) {
      expect(status).toBe(200);
    }
    const { body } = await runs.finish('r');
    expect(body.message.content).toBe('Half');
  });

  it('a fork copies what is written so far', async () => {
    const path = `/api/chat-sessions/${id}/fork`;
    const { status, body } = await api.send<{
      chat_session: { id: string };
    }>('POST', path, {});
    expect(status).toBe(201);
    const copy = await getSession(api, body.chat_session.id);
    expect(copy.active_run).toBeUndefined();
    expect(copy.messages[1]).toMatchObject({
      id: 'a',
      content: 'Half',
      status: 'partial',
    });
    expect((await runs.output('r', 4, '!')).status).toBe(200);
  });

  it('a delete of the session ends it', async () => {
    const path = `/api/chat-sessions/${id}`;
    expect((await api.send('DELETE', path)).status).toBe(204);
    expect((await runs.output('r', 4, '!')).status).toBe(404);
    expect((await runs.start({ id: 'r' })).status).toBe(404);
  });
});

describe('interrupts', () => {
  beforeEach(async () => {
    await runs.started({ id: 'r' });
    await runs.post('r', 'pause', {
      fence: 1,
      interrupts: [{ id: 'pay', amount: 4.5 }, { id: 'ship' }],
    });
  });

  it('let the run wait without a writer', async () => {
    expect((await runs.get('r')).body.run).toMatchObject({
      status: 'waiting',
      lease_until: null,
      interrupts: [{ id: 'pay', amount: 4.5 }, { id: 'ship' }],
    });
    expect(await runs.output('r', 0, 'x')).toMatchObject({
      status: 409,
      body: { code: 'run_waiting' },
    });
    expect(await runs.post('r', 'resume')).toMatchObject({
      status: 409,
      body: { code: 'run_not_ready' },
    });
  });

  it('are answered once; the last answer makes the run ready', async () => {
    const yes = { answer: { approved: true } };
    const first = await runs.post('r', 'interrupts/pay', yes);
    expect(first.body.run.status).toBe('waiting');
    const second = await runs.post('r', 'interrupts/pay', {
      answer: { approved: false },
    });
    expect(second).toMatchObject({
      status: 409,
      body: {
        code: 'interrupt_answered',
        interrupt: { id: 'pay', amount: 4.5, ...yes },
      },
    });
    expect((await runs.post('r', 'interrupts/none', yes)).status).toBe(404);
    const last = await runs.post('r', 'interrupts/ship', yes);
    expect(last.body.run.status).toBe('ready');
    const resumed = await runs.post('r', 'resume', { lease_seconds: 60 });
    expect(resumed.body.run).toMatchObject({
      status: 'active',
      fence: 2,
      lease_seconds: 60,
    });
    expect((await runs.post('r', 'resume')).status).toBe(409);
    expect(await runs.output('r', 0, 'x', 1)).toMatchObject({
      status: 409,
      body: { code: 'fence_stale' },
    });
    expect((await runs.output('r', 0, 'x', 2)).status).toBe(200);
  });
});

describe('usage', () => {
  it('is summed by day, model and session, also of sessions that are gone', async () => {
    const other = await createSession(api);
    for (const [session, model] of [
      [runs, 'large'],
      [runs, 'small'],
      [new Runs(api, other.id), 'large'],
    ] as const) {
      const { run } = await session.started();
      const usage = { model, input_tokens: 2, output_tokens: 1, cost: 0.1 };
      await session.finish(run.id, { usage });
    }
    await api.send('DELETE', `/api/chat-sessions/${other.id}`);
    const today = new Date().toISOString().slice(0, 10);
    const usageBy = async (query: string) =>
      (await api.send<{ usage: object[] }>('GET', `/api/usage?${query}`)).body;
    const by = await usageBy(`by=session&from=${today}`);
    expect(by.usage).toContainEqual(
      expect.objectContaining({ session_id: other.id, runs: 1 }),
    );
    expect(by.usage).toContainEqual(
      expect.objectContaining({ session_id: id, runs: 2, cost: 0.2 }),
    );
    const { usage } = await usageBy('by=model');
    expect(usage).toContainEqual(
      expect.objectContaining({ model: 'small', runs: 1, input_tokens: 2 }),
    );
    const [first, ...others] = by.usage as { session_id: string }[];
    const after = await usageBy(`by=session&after=${first!.session_id}`);
    expect(after).toEqual({ usage: others, has_after: false });
    const { status } = await api.send(
      'GET',
      '/api/usage?from=2026-01-02&to=2026-01-01',
    );
    expect(status).toBe(400);
  });
});

it('a session that was deleted and created again counts usage again', async () => {
  const again = '01938f5e-0000-7000-8000-0000000000aa';
  for (let times = 0; times < 2; times++) {
    await createSession(api, { id: again });
    const there = new Runs(api, again);
    const { run } = await there.started();
    const usage = { model: 'of again', input_tokens: 2 };
    expect((await there.finish(run.id, { usage })).status).toBe(200);
    await api.send('DELETE', `/api/chat-sessions/${again}`);
  }
  const { body } = await api.send('GET', '/api/usage?by=model');
  expect(body).toMatchObject({
    usage: expect.arrayContaining([
      expect.objectContaining({ model: 'of again', runs: 2, input_tokens: 4 }),
    ]) as unknown,
  });
});

it('a run of no session, or of another, is not found', async () => {
  await runs.started({ id: 'r' });
  const other = await createSession(api);
  for (const elsewhere of [NOBODYS_ID, other.id]) {
    const there = new Runs(api, elsewhere);
    for (const { status } of [
      await there.get('r'),
      await there.output('r', 0, 'x'),
      await there.finish('r'),
      await there.post('r', 'cancel'),
    ]) {
      expect(status).toBe(404);
    }
  }
});
