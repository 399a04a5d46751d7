import { beforeEach, describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  getPage,
  getSession,
  type Message,
  sendFork,
} from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { Runs } from '../support/runs.js';
import { type TestApp, useTestApp } from '../support/test-app.js';

const CLIENTS = 16;

const here = useTestApp();
const there = useTestApp({
  createDatabase: async () => ({
    url: here.database.url,
    remove: async () => undefined,
  }),
});

let id: string;
/** The session as each instance sees it. */
let instances: Runs[];
let runs: Runs;

beforeEach(async () => {
  ({ id } = await createSession(here));
  instances = [new Runs(here, id), new Runs(there, id)];
  [runs] = instances as [Runs, Runs];
});

/** A client's own instance. */
function of(client: number): Runs {
  return instances[client % 2]!;
}

/** The content of the answer, by each way to read it. */
async function contentsOf(api: TestApp, messageId: string): Promise<string[]> {
  const path = `/api/chat-sessions/${id}/messages/${messageId}`;
  const [session, page, one] = await Promise.all([
    getSession(api, id),
    getPage(api, id),
    api.send<{ message: Message }>('GET', path),
  ]);
  const inList = (messages: Message[]) =>
    messages.find((message) => message.id === messageId)!.content;
  return [
    inList(session.messages),
    inList(page.messages),
    one.body.message.content,
  ];
}

describe('16 clients of two instances that start at once', () => {
  it('get one run, round after round', { timeout: 300_000 }, async () => {
    const rounds = Number(process.env.RUN_ROUNDS ?? 40);
    for (let round = 1; round <= rounds; round++) {
      const responses = await inParallel(CLIENTS, (client) =>
        of(client).start({ id: `r${round}-${client}` }),
      );
      const started = responses.filter(({ status }) => status === 201);
      expect(started).toHaveLength(1);
      const { run } = started[0]!.body;
      for (const { status, body } of responses) {
        if (status === 201) continue;
        expect(status).toBe(409);
        expect(body).toMatchObject({ code: 'run_active', run: { id: run.id } });
      }
      const text = `answer ${round}`;
      expect((await of(round).output(run.id, 0, text)).status).toBe(200);
      const ended =
        round % 2 === 0
          ? await of(round + 1).finish(run.id)
          : await of(round + 1).post(run.id, 'cancel');
      expect(ended.body.message.content).toBe(text);
    }
    const { messages, message_count: count } = await getSession(there, id);
    expect(count).toBe(rounds);
    expect(messages.at(-1)!.content).toBe(`answer ${rounds}`);
  });

  it('and cancel the active one leave one run', async () => {
    const responses = await inParallel(CLIENTS, (client) =>
      of(client).start({ id: `r${client}`, if_active: 'cancel' }),
    );
    expect(responses.map(({ status }) => status)).toEqual(
      Array(CLIENTS).fill(201),
    );
    const found = await inParallel(CLIENTS, (client) =>
      of(client + 1).get(`r${client}`),
    );
    const statuses = found.map(({ body }) => body.run.status).sort();
    expect(statuses).toEqual([
      'active',
      ...Array<string>(CLIENTS - 1).fill('cancelled'),
    ]);
    const { messages } = await getSession(there, id);
    expect(messages.map((one) => one.status)).toEqual([
      ...Array<string>(CLIENTS - 1).fill('partial'),
      'open',
    ]);
    const { run } = found.find(
      ({ body }) => body.run.status === 'active',
    )!.body;
    expect(messages.at(-1)!.id).toBe(run.message_id);
  });

  it('with one id, or one key, get that run', async () => {
    const start = {
      id: 'r',
      messages: [{ id: 'q', role: 'user', content: 'x' }],
    };
    const responses = await inParallel(CLIENTS, (client) =>
      of(client).start(start),
    );
    const statuses = responses
      .map(({ status }) => status)
      .toSorted((a, b) => a - b);
    expect(statuses).toEqual([...Array<number>(CLIENTS - 1).fill(200), 201]);
    await runs.finish('r');
    const key = { 'idempotency-key': `start ${id}` };
    const keyed = await inParallel(CLIENTS, (client) =>
      of(client).start({}, key),
    );
    const done = keyed.filter(({ status }) => status === 201);
    expect(new Set(done.map(({ body }) => body.run.id)).size).toBe(1);
    for (const { status, body } of keyed) {
      if (status !== 201) expect(body.code).toBe('key_in_use');
    }
    expect((await getSession(here, id)).message_count).toBe(3);
  });
});

describe('a writer', () => {
  /** Writes words until it is refused. Returns what was acknowledged, and the refusal. */
  async function writeUntilRefused(
    runId: string,
    { fence = 1, most = 1_000 } = {},
  ) {
    let text = '';
    for (let count = 0; count < most; count++) {
      const word = `word ${count} `;
      const response = await runs.output(runId, text.length, word, fence);
      if (response.status !== 200) return { text, response };
      text += word;
    }
    throw new Error('It was not refused');
  }

  it('that is cancelled has all that was acknowledged, and no more', async () => {
    for (let round = 0; round < 20; round++) {
      const { run } = await runs.started();
      const writing = writeUntilRefused(run.id);
      for (let wait = 0; wait < round; wait++) await of(1).get(run.id);
      const cancelled = await of(1).post(run.id, 'cancel');
      const { text, response } = await writing;
      expect(response.status).toBe(409);
      expect(response.body).toMatchObject({
        code: 'run_ended',
        run: { status: 'cancelled', offset: text.length },
      });
      expect(cancelled.body.message.content).toBe(text);
      const contents = await contentsOf(there, run.message_id);
      expect(contents).toEqual([text, text, text]);
    }
  });

  it('lands nothing after the next run has begun', async () => {
    for (let round = 0; round < 10; round++) {
      const { run } = await runs.started();
      const writing = writeUntilRefused(run.id);
      for (let wait = 0; wait < round; wait++) await of(1).get(run.id);
      const next = await of(1).started({ if_active: 'cancel' });
      const { text } = await writing;
      expect(await contentsOf(here, run.message_id)).toEqual([
        text,
        text,
        text,
      ]);
      expect(await contentsOf(there, next.message.id)).toEqual(['', '', '']);
      await runs.finish(next.run.id);
    }
  });

  it('ends its run or is stopped, never both, and usage counts once', async () => {
    let completed = 0;
    for (let round = 0; round < 20; round++) {
      const { run } = await runs.started();
      await runs.output(run.id, 0, 'x');
      const usage = { input_tokens: 1, cost: 0.5 };
      const [cancelled, ...finished] = await Promise.all([
        of(1).post(run.id, 'cancel'),
        of(0).finish(run.id, { usage }),
        of(1).finish(run.id, { usage }),
      ]);
      expect(cancelled.status).toBe(200);
      const { status } = cancelled.body.run;
      for (const finish of finished) {
        expect(finish.body.run).toEqual(cancelled.body.run);
        expect(finish.status).toBe(status === 'completed' ? 200 : 409);
      }
      if (status === 'completed') completed++;
      const { usage: sums } = await getSession(here, id);
      expect(sums?.runs ?? 0).toBe(completed);
      expect(sums?.input_tokens ?? 0).toBe(completed);
    }
  });

  it('is in nobody’s way, and nobody in its', async () => {
    await append(here, id, { id: 'q', role: 'user', content: 'x' });
    await runs.started({ id: 'r', message_id: 'a' });
    let text = '';
    const path = `/api/chat-sessions/${id}`;
    const others = [
      () => append(there, id, { role: 'user', content: 'x' }),
      () => there.send('DELETE', `${path}/messages/q`),
      () => there.send('POST', `${path}/clear`),
      () => sendFork(there, id),
      () => there.send('PUT', `${path}/leaf`, { message_id: 'a' }),
      () => there.send('PATCH', path, { title: 'x' }),
      () => there.send('PATCH', `${path}/messages/q`, { content: 'y' }),
      () => there.send('PATCH', `${path}/messages/a`, { content: 'y' }),
    ];
    const expected = [409, 409, 409, 201, 200, 200, 200, 409];
    let isWriting = true;
    const writing = (async () => {
      try {
        for (let count = 0; count < 60; count++) {
          const word = count % 10 === 9 ? 'long '.repeat(500) : 'word ';
          const { status } = await runs.output('r', text.length, word);
          expect(status).toBe(200);
          text += word;
        }
      } finally {
        isWriting = false;
      }
    })();
    const loops = others.map(async (send, index) => {
      while (isWriting) {
        const before = text;
        const { status, body } = await send();
        expect(status).toBe(expected[index]);
        if (status !== 201) continue;
        const { chat_session: fork } = body as {
          chat_session: { messages: Message[] };
        };
        const copy = fork.messages[1]!;
        expect(copy).toMatchObject({ id: 'a', status: 'partial' });
        expect(copy.content.startsWith(before)).toBe(true);
      }
    });
    await Promise.allSettled([writing, ...loops]);
    await Promise.all([writing, ...loops]);
    const { body } = await of(1).finish('r');
    expect(body.message.content).toBe(text);
  });

  it('is stopped by a delete of the session', async () => {
    for (let round = 0; round < 10; round++) {
      const session = await createSession(here, {}, 3);
      const writer = new Runs(here, session.id);
      await writer.started({ id: 'r' });
      const deleting = (async () => {
        for (let wait = 0; wait < round; wait++) await of(1).get('none');
        return there.send('DELETE', `/api/chat-sessions/${session.id}`);
      })();
      let offset = 0;
      for (;;) {
        const { status, body } = await writer.output(
          'r',
          offset,
          'x'.repeat(2_100),
        );
        if (status !== 200) {
          expect(status).toBe(404);
          break;
        }
        offset = body.offset;
      }
      expect((await deleting).status).toBe(204);
    }
  });
});

describe('reads from both instances', () => {
  it.each([
    ['of words', 20, 150],
    ['that fill chunks', 5_000, 40],
  ])(
    'show what was acknowledged before them, with outputs %s',
    { timeout: 60_000 },
    async (_, length, count) => {
      const { run, message } = await runs.started();
      const whole = Array.from(
        { length: count * length },
        (_unit, at) => 'abc😀de\n'[at % 8]!,
      ).join('');
      let acknowledged = 0;
      let isWriting = true;
      const reader = async (api: TestApp) => {
        while (isWriting) {
          const before = acknowledged;
          for (const content of await contentsOf(api, message.id)) {
            expect(content.length).toBeGreaterThanOrEqual(before);
            // A pair that is cut at the end is not whole yet.
            const { length: end } = content;
            expect(content).toBe(whole.slice(0, end).toWellFormed());
          }
        }
      };
      const writing = (async () => {
        try {
          for (let at = 0; at < whole.length; at += length) {
            const text = whole.slice(at, at + length);
            const { status } = await runs.output(run.id, at, text);
            expect(status).toBe(200);
            acknowledged = at + text.length;
          }
        } finally {
          isWriting = false;
        }
      })();
      const all = [writing, reader(here), reader(there), reader(there)];
      await Promise.allSettled(all);
      await Promise.all(all);
      await of(1).finish(run.id);
      for (const api of [here, there]) {
        for (const content of await contentsOf(api, message.id)) {
          expect(content).toBe(whole);
        }
      }
    },
  );

  it('find no old answer in a cache', async () => {
    const path = `/api/chat-sessions/${id}`;
    for (let round = 1; round <= 10; round++) {
      const etags = new Set<string | undefined>();
      for (const api of [here, there, here, there]) {
        etags.add((await api.send('GET', path)).headers.etag);
      }
      expect(etags.size).toBe(1);
      const [etag] = etags;
      const { run } = await of(round).started();
      for (const api of [here, there]) {
        const headers = { 'if-none-match': etag! };
        const read = await api.send('GET', path, undefined, headers);
        expect(read.status).toBe(200);
        expect(read.headers.etag).toBeUndefined();
        expect(read.headers['cache-control']).toBe('private, no-cache');
      }
      await of(round + 1).output(run.id, 0, `answer ${round}`);
      await of(round).finish(run.id);
      for (const api of [here, there]) {
        const { messages } = await getSession(api, id);
        expect(messages.at(-1)!.content).toBe(`answer ${round}`);
      }
    }
  });
});

describe('16 at once', () => {
  it('answer an interrupt, and the first answer counts; resume, and one has the fence', async () => {
    await runs.started({ id: 'r' });
    await runs.post('r', 'pause', { fence: 1, interrupts: [{ id: 'i' }] });
    const answers = await inParallel(CLIENTS, (client) =>
      of(client).post('r', 'interrupts/i', { answer: { client } }),
    );
    const [first, ...others] = answers.filter(({ status }) => status === 200);
    expect(others).toEqual([]);
    const { interrupts } = first!.body.run;
    for (const { status, body } of answers) {
      if (status === 200) continue;
      expect(status).toBe(409);
      expect(body).toMatchObject({
        code: 'interrupt_answered',
        interrupt: interrupts[0],
      });
    }
    const resumed = await inParallel(CLIENTS, (client) =>
      of(client).post('r', 'resume'),
    );
    const fences = resumed
      .filter(({ status }) => status === 200)
      .map(({ body }) => body.run.fence);
    expect(fences).toEqual([2]);
    for (const { status, body } of resumed) {
      if (status !== 200) expect(body.code).toBe('run_not_ready');
    }
    expect((await of(1).output('r', 0, 'x', 1)).body.code).toBe('fence_stale');
    expect((await of(1).output('r', 0, 'x', 2)).status).toBe(200);
  });

  it('send the same outputs, and each is stored once', async () => {
    await runs.started({ id: 'r' });
    const words = Array.from({ length: 20 }, (_, count) => `word ${count} `);
    await inParallel(4, async (client) => {
      let offset = 0;
      for (const word of words) {
        const { status } = await of(client).output('r', offset, word);
        expect(status).toBe(200);
        offset += word.length;
      }
    });
    const { body } = await runs.finish('r');
    expect(body.message.content).toBe(words.join(''));
  });
});
