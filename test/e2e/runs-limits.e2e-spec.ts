import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChatMessageChunk } from '../../src/chat-sessions/store/entities/chat-message-chunk.entity.js';
import {
  append,
  createSession,
  getPage,
  getSession,
  sendFork,
} from '../support/api.js';
import { asOwner } from '../support/owners.js';
import { Runs } from '../support/runs.js';
import { useTestApp } from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

const server = useTestApp({ environment: JWT_MODE });
const api = asOwner(server, 'alice');
const QUESTION = { id: 'q', role: 'user', content: 'A mocha?' };
const MIB = 1024 * 1024;

let id: string;
let runs: Runs;

beforeEach(async () => {
  ({ id } = await createSession(api));
  runs = new Runs(api, id);
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function expire(): Promise<void> {
  const table = server.dataSource.getRepository('ChatRun');
  const { affected } = await table.update(
    { sessionId: id, status: 'active' },
    { leaseUntil: new Date(0) },
  );
  expect(affected).toBe(1);
}

describe('an answer', () => {
  it('has 1 MiB of text, and not one byte more', async () => {
    await runs.started({ id: 'r' });
    const text = '0123456789abcdef'.repeat(4 * 1024);
    for (let at = 0; at < MIB; at += text.length) {
      expect((await runs.output('r', at, text)).status).toBe(200);
    }
    expect(await runs.output('r', MIB, 'x')).toMatchObject({
      status: 413,
      body: { code: 'answer_too_large' },
    });
    const { messages } = await getSession(api, id);
    expect(messages[0]!.content).toBe(text.repeat(16));
    const { status, body } = await runs.finish('r');
    expect(status).toBe(200);
    expect(body.message.content).toBe(text.repeat(16));
  });

  it('may be too large in its first output', async () => {
    await runs.started({ id: 'r' });
    expect((await runs.output('r', 0, 'é'.repeat(MIB / 2) + 'x')).status).toBe(
      413,
    );
    expect((await runs.output('r', 0, 'é'.repeat(MIB / 2))).status).toBe(200);
    expect((await runs.finish('r')).status).toBe(200);
  });

  it('may arrive letter by letter', { timeout: 120_000 }, async () => {
    await runs.started({ id: 'r' });
    const text = 'a😀bc'.repeat(1_000);
    const letters = Number(process.env.RUN_LETTERS ?? text.length);
    for (let at = 0; at < letters; at++) {
      const { body } = await runs.output('r', at, text[at % text.length]!);
      expect(body.offset).toBe(at + 1);
    }
    // Outputs that arrive again, from a place in any chunk.
    for (let at = 0; at < text.length; at += 613) {
      const again = text.slice(at, at + 3_000);
      expect((await runs.output('r', at, again)).status).toBe(200);
    }
    const { body } = await runs.finish('r');
    expect(body.message.content.slice(0, letters)).toBe(
      text.repeat(Math.ceil(letters / text.length)).slice(0, letters),
    );
  });

  it('has 2,000 parts, and not one more', async () => {
    await runs.started({ id: 'r' });
    const parts = Array.from({ length: 2_000 }, (_, n) => ({ type: 'x', n }));
    expect((await runs.output('r', 0, [...parts, ...parts])).status).toBe(400);
    expect((await runs.output('r', 0, parts)).body.offset).toBe(2_000);
    expect((await runs.output('r', 0, parts)).body.offset).toBe(2_000);
    for (const more of ['x', [{ type: 'x' }]]) {
      expect((await runs.output('r', 2_000, more)).status).toBe(413);
    }
    const { body } = await runs.finish('r');
    expect(body.message.parts).toEqual(parts);
  });

  it('is read as it was, however much a fast writer adds meanwhile', async () => {
    const { message } = await runs.started({ id: 'r' });
    const text = 'x'.repeat(3_000);
    await runs.output('r', 0, text);
    // What a reader sees that has read the run before this chunk was stored.
    const chunks = server.dataSource.getRepository(ChatMessageChunk);
    const [first] = await chunks.findBy({ sessionId: id });
    const later = { startOffset: 3_000, content: 'later' };
    await chunks.save(Object.assign(first!, later));
    for (const { messages } of [
      await getSession(api, id),
      await getPage(api, id),
    ]) {
      expect(messages[0]).toMatchObject({ id: message.id, content: text });
    }
  });
});

describe('the texts of parts', () => {
  it('count as text: 1 MiB in all', async () => {
    await runs.started({ id: 'r' });
    const part = { type: 'text', text: 'x'.repeat(MIB - 1) };
    const { body } = await runs.output('r', 0, [part]);
    expect(body.offset).toBe(1);
    expect(await runs.output('r', 1, [part])).toMatchObject({
      status: 413,
      body: { code: 'answer_too_large' },
    });
    const two = [part, part];
    expect((await runs.output('r', 1, two)).status).toBe(400);
  });
});

describe('input that is refused stores nothing', () => {
  const LONG = 'x'.repeat(256);
  const BIG = { x: 'x'.repeat(64 * 1024) };
  const IDS = ['', '.', '..', 'a\u0000', 'a\nb', ' a', LONG, 7, {}];
  const LEASES = [4, 301, 5.5, '30', null, [], 1e99];
  const NUMBERS = [-1, 1.5, '1', null, {}, 1e99];
  const part = { type: 'x' };

  beforeEach(async () => {
    await append(api, id, { id: 'm', role: 'user', content: 'x' });
    await runs.started({ id: 'r', message_id: 'a' });
    await runs.output('r', 0, 'Half');
  });

  async function state(): Promise<string> {
    const session = await api.send('GET', `/api/chat-sessions/${id}`);
    const run = await runs.get('r');
    return session.text + run.text;
  }

  async function expectRefused(
    action: string,
    bodies: unknown[],
    status = 400,
  ): Promise<void> {
    const before = await state();
    const path = `/api/chat-sessions/${id}/runs${action}`;
    for (const body of bodies) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const response = await api.send('POST', path, text);
      expect([text.slice(0, 200), response.status]).toEqual([
        text.slice(0, 200),
        status,
      ]);
    }
    expect(await state()).toBe(before);
  }

  const with_ = (name: string, values: unknown[], rest: object = {}) =>
    values.map((value) => ({ ...rest, [name]: value }));

  it('of a start', async () => {
    const cancel = { if_active: 'cancel' };
    await expectRefused('', [
      ...with_('id', [...IDS, null], cancel),
      ...with_('message_id', [...IDS, null], cancel),
      ...with_('parent_id', [...IDS, 'unknown'], cancel),
      ...with_('lease_seconds', LEASES, cancel),
      ...with_('if_active', ['', 'wait', null, 1, []]),
      ...with_('metadata', [[], 'x', null, 1, BIG], cancel),
      ...with_(
        'messages',
        [{}, 'x', null, [1], [{}], [{ role: 'user' }]],
        cancel,
      ),
      { messages: [{ ...QUESTION, content: ' ' }], ...cancel },
      { messages: [QUESTION, QUESTION], ...cancel },
      { messages: Array(101).fill({ role: 'user', content: 'x' }), ...cancel },
      { unknown: 1, ...cancel },
      '[]',
      '"x"',
    ]);
    await expectRefused(
      '',
      [
        { message_id: 'm', ...cancel },
        { messages: [{ ...QUESTION, id: 'a' }], ...cancel },
        { messages: [QUESTION], message_id: 'm', ...cancel },
        { messages: [QUESTION], message_id: 'q', ...cancel },
        { id: 'r', messages: [QUESTION], ...cancel },
        { id: 'r', message_id: 'b', ...cancel },
        {},
      ],
      409,
    );
  });

  it('of an output', async () => {
    const output = { fence: 1, offset: 4, text: '!' };
    const { text: _, ...place } = output;
    await expectRefused('/r/output', [
      ...with_('fence', [0, ...NUMBERS], output),
      ...with_('offset', NUMBERS, output),
      ...with_('text', [1, null, {}, ['x'], 'a\u0000'], place),
      ...with_('parts', [[], {}, 'x', null, [1], [{}], [{ type: 1 }]], place),
      place,
      { ...output, parts: [part] },
      { ...output, unknown: 1 },
      '{"fence":1,"offset":4,"text":"a\\ud83db"}',
      '{"fence":1,"offset":4,"text":"\\ude00\\ude00"}',
      '{"fence":1,"offset":4,"text":"\\ud83d\\ud83d"}',
      '{"fence":1,"offset":4,"parts":[{"type":"x","t":"\\ud83d"}]}',
      '{"fence":1,"offset":4,"parts":[{"type":"x","n":1e400}]}',
      '{"fence":1,"offset":4,"parts":[{"type":"x","__proto__":{}}]}',
      '{"fence":1e400,"offset":4,"text":"x"}',
      '{"fence":NaN,"offset":4,"text":"x"}',
    ]);
    await expectRefused(
      '/r/output',
      [
        { ...output, fence: 2 },
        { ...output, offset: 5 },
        { ...output, offset: 2 ** 31 - 1 },
        { ...output, offset: 0 },
      ],
      409,
    );
  });

  it('of a finish', async () => {
    const finish = { fence: 1, status: 'completed' };
    const usages = [
      ...with_('model', ['x'.repeat(192), 1, {}]),
      ...with_('input_tokens', [...NUMBERS, 2e9]),
      ...with_('output_tokens', NUMBERS),
      ...with_('cached_tokens', NUMBERS),
      ...with_('reasoning_tokens', NUMBERS),
      ...with_('cost', [-1, 1e9, '1', null, {}]),
      { unknown: 1 },
    ];
    await expectRefused('/r/finish', [
      {},
      ...with_('fence', [0, ...NUMBERS], finish),
      ...with_('status', ['', 'cancelled', 'expired', null, 1], finish),
      ...with_('content', [1, null, {}, 'x'.repeat(MIB + 1)], finish),
      ...with_('parts', [{}, 'x', [1], [{}]], finish),
      ...with_('references', [{}, 'x', [1]], finish),
      ...with_('metadata', [[], 'x', BIG], finish),
      ...with_('usage', [[], 'x', null, 1, ...usages], finish),
      ...with_('error', [[], 'x', null, 1, BIG], finish),
      { ...finish, unknown: 1 },
      '{"fence":1,"status":"completed","usage":{"cost":NaN}}',
      '{"fence":1,"status":"completed","usage":{"cost":1e400}}',
    ]);
    await expectRefused('/r/finish', [{ ...finish, fence: 2 }], 409);
  });

  it('of a pause, an answer, and a resume', async () => {
    const pause = { fence: 1, interrupts: [{ id: 'i' }] };
    const one = (fields: object) => [{ id: 'i', ...fields }];
    await expectRefused('/r/pause', [
      {},
      ...with_('fence', [0, ...NUMBERS], pause),
      ...with_('interrupts', [{}, 'x', null, [], [1], [{}]], pause),
      ...with_(
        'interrupts',
        IDS.map((bad) => one({ id: bad })),
        pause,
      ),
      ...with_('interrupts', [[...one({}), ...one({ x: 1 })]], pause),
      ...with_('interrupts', [one({ answer: {} }), one(BIG)], pause),
      {
        ...pause,
        interrupts: Array.from({ length: 101 }, (_, n) => ({ id: `${n}` })),
      },
    ]);
    await expectRefused('/r/pause', [{ ...pause, fence: 2 }], 409);
    await expectRefused('/r/resume', [{}], 409);
    await runs.post('r', 'pause', pause);
    await expectRefused('/r/interrupts/i', [
      {},
      ...with_('answer', [[], 'x', null, 1, BIG]),
    ]);
    await expectRefused('/r/interrupts/none', [{ answer: {} }], 404);
    await runs.post('r', 'interrupts/i', { answer: {} });
    await expectRefused('/r/resume', with_('lease_seconds', LEASES));
  });

  it('of an id in a path', async () => {
    const before = await state();
    const path = `/api/chat-sessions/${id}/runs`;
    for (const bad of ['%00', '%0a', '%20a', LONG]) {
      for (const { status } of [
        await api.send('GET', `${path}/${bad}`),
        await api.send('POST', `${path}/${bad}/cancel`),
        await api.send('POST', `${path}/r/interrupts/${bad}`, { answer: {} }),
      ]) {
        expect([bad, status]).toEqual([bad, status === 404 ? 404 : 400]);
      }
    }
    expect(await state()).toBe(before);
  });
});

it('of another owner, nothing is found and nothing counts', async () => {
  const { run } = await runs.started({ id: 'r' });
  const bob = asOwner(server, 'bob');
  const bobs = new Runs(bob, id);
  for (const { status } of [
    await bobs.start(),
    await bobs.start({ id: 'r', if_active: 'cancel' }),
    await bobs.get('r'),
    await bobs.output('r', 0, 'x'),
    await bobs.finish('r'),
    await bobs.post('r', 'cancel'),
    await bobs.post('r', 'pause', { fence: 1, interrupts: [{ id: 'i' }] }),
    await bobs.post('r', 'interrupts/i', { answer: {} }),
    await bobs.post('r', 'resume'),
  ]) {
    expect(status).toBe(404);
  }
  expect((await runs.get('r')).body.run).toEqual(run);
  await runs.finish('r', { usage: { input_tokens: 5 } });
  const { body } = await bob.send('GET', '/api/usage');
  expect(body).toEqual({ usage: [], has_after: false });
});

describe('what comes after a run', () => {
  beforeEach(async () => {
    await runs.started({ id: 'r', message_id: 'a', messages: [QUESTION] });
    await runs.output('r', 0, 'Half');
  });

  it('may edit, fork and delete a partial answer', async () => {
    await runs.post('r', 'cancel');
    const path = `/api/chat-sessions/${id}/messages/a`;
    const edited = await api.send('PATCH', path, { content: 'Whole' });
    expect(edited.body).toMatchObject({ message: { content: 'Whole' } });
    const { body } = await sendFork(api, id);
    expect(body.chat_session.messages[1]).toMatchObject({ content: 'Whole' });
    expect((await api.send('DELETE', path)).status).toBe(204);
    const next = await runs.started({ message_id: 'a' });
    expect(next.message).toMatchObject({ id: 'a', parent_id: 'q' });
    await runs.output(next.run.id, 0, 'New');
    expect((await runs.finish(next.run.id)).body.message.content).toBe('New');
  });

  it.each([
    ['append', () => append(api, id, { role: 'user', content: 'x' }), 201],
    ['start', () => runs.start(), 201],
    [
      'delete',
      () => api.send('DELETE', `/api/chat-sessions/${id}/messages/q`),
      204,
    ],
    ['clear', () => api.send('POST', `/api/chat-sessions/${id}/clear`), 200],
    [
      'edit of the answer',
      () =>
        api.send('PATCH', `/api/chat-sessions/${id}/messages/a`, {
          content: 'Whole',
        }),
      200,
    ],
  ])('may be an %s once its lease has run out', async (_, send, status) => {
    await expire();
    expect((await send()).status).toBe(status);
    expect((await runs.output('r', 4, '!')).status).toBe(
      _ === 'clear' ? 404 : 409,
    );
    expect((await getSession(api, id)).active_run?.id).not.toBe('r');
  });

  it('has the time at which its lease ran out, whoever wrote it down', async () => {
    await expire();
    const before = await runs.get('r');
    expect(before.body.run.ended_at).toBe(new Date(0).toISOString());
    await append(api, id, { role: 'user', content: 'x' });
    expect((await runs.get('r')).body).toEqual(before.body);
  });
});

it('a list shows the question until the answer has ended', async () => {
  const listed = async () => {
    const { body } = await api.send<{ chat_sessions: object[] }>(
      'GET',
      '/api/chat-sessions?limit=1',
    );
    return body.chat_sessions[0];
  };
  const { message } = await runs.started({ messages: [QUESTION], id: 'r' });
  await runs.output('r', 0, 'Half');
  const during = { id, preview: 'A mocha?', message_count: 2 };
  expect(await listed()).toMatchObject({
    ...during,
    last_message_at: message.timestamp,
  });
  await api.send('PUT', `/api/chat-sessions/${id}/leaf`, { message_id: 'q' });
  await runs.finish('r');
  expect(await listed()).toMatchObject({ ...during, preview: 'Half' });
});
