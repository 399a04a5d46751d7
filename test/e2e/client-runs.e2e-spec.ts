import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type AnswerPart,
  ChatSessionsClient,
  RunEnded,
} from '../../src/client/index.js';
import { errorOf } from '../support/scripted-client.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
let baseUrl: string;
let client: ChatSessionsClient;
let id: string;

beforeAll(async () => {
  baseUrl = await api.listen();
  client = new ChatSessionsClient({ baseUrl });
});

beforeEach(async () => {
  ({
    chat_session: { id },
  } = await client.create());
});

const question = { role: 'user', content: 'A mocha?' } as const;

/** A source that yields the items, with a pause before each. */
async function* stream(items: (string | AnswerPart)[], pauseMs = 0) {
  for (const item of items) {
    await sleep(pauseMs);
    yield item;
  }
}

async function shown() {
  const { chat_session } = await client.get(id);
  return chat_session.messages;
}

describe('a run of the client', () => {
  it('writes what a source yields, and finishes', async () => {
    const run = client.run(id, { messages: [question] });
    const words = 'One large mocha 😀 coming up'.split(/(?= )/);
    const usage = { model: 'large', output_tokens: 6 };
    const ended = await run.write(stream(words), { finish: () => ({ usage }) });
    expect(ended.run).toMatchObject({ id: run.id, status: 'completed', usage });
    expect(ended.etag).not.toBe('');
    expect(await shown()).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: 'One large mocha 😀 coming up' },
    ]);
    const { usage: sums } = await client.usage({ by: 'model' });
    expect(sums).toContainEqual(
      expect.objectContaining({ model: 'large', output_tokens: 6 }),
    );
  });

  it('keeps parts between texts, and pairs that the source has cut', async () => {
    const call = { type: 'tool_call', name: 'menu' };
    const items = ['\ud83d', '\ude00 Let me', ' see. ', call, call, 'Done.'];
    const { message } = await client.run(id).write(stream(items));
    expect(message.parts).toEqual([
      { type: 'text', text: '😀 Let me see. ' },
      call,
      call,
      { type: 'text', text: 'Done.' },
    ]);
  });

  it('keeps pairs that are cut between two outputs', async () => {
    const filled = 'x'.repeat(2_047);
    const items = [`${filled}\ud83d`, '\ude00'];
    const { message } = await client.run(id).write(stream(items));
    expect(message.content).toBe(`${filled}😀`);
  });

  it('collects short texts, and sends much text at once', async () => {
    const sent: number[] = [];
    const counting = new ChatSessionsClient({
      baseUrl,
      fetch: (input, init) => {
        if ((input as string).endsWith('/output')) {
          const { text } = JSON.parse(init!.body as string) as { text: string };
          sent.push(text.length);
        }
        return fetch(input, init);
      },
    });
    const long = 'x'.repeat(700);
    await counting.run(id).write(stream([long, long, long, 'a', 'b', 'c']));
    const [first, ...others] = sent;
    expect(first).toBe(2_100);
    expect(others.reduce((sum, length) => sum + length, 0)).toBe(3);
  });

  it('writes each output once, although responses are lost', async () => {
    let requests = 0;
    const unlucky = new ChatSessionsClient({
      baseUrl,
      maxAttempts: 20,
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        if (++requests % 2 === 0) return response;
        await response.text();
        throw new TypeError('the response was lost');
      },
    });
    const words = Array.from({ length: 5 }, (_, index) => `word ${index} `);
    const padded = words.map((word) => word.padEnd(2_048, '.'));
    const { message } = await unlucky
      .run(id, { messages: [question] })
      .write(stream(padded));
    expect(message.content).toBe(padded.join(''));
    expect(await shown()).toHaveLength(2);
  });

  it('sends an output again within the lease if it hangs', async () => {
    let outputs = 0;
    const hanging = new ChatSessionsClient({
      baseUrl,
      fetch: async (input, init) => {
        const isOutput = (input as string).endsWith('/output');
        if (!isOutput || ++outputs > 1) return fetch(input, init);
        return new Promise((_, reject) => {
          init!.signal!.addEventListener('abort', () =>
            reject(new Error('aborted')),
          );
        });
      },
    });
    const run = hanging.run(id, { lease_seconds: 5 });
    const { message } = await run.write(stream(['x'.repeat(2_048), 'y']));
    expect(message.content).toHaveLength(2_049);
  });

  it('ends when another client stops it, and closes the source', async () => {
    const run = client.run(id, { messages: [question] });
    let isClosed = false;
    async function* endless() {
      try {
        for (let count = 0; ; count++) {
          await sleep(20);
          yield `${count} `;
        }
      } finally {
        isClosed = true;
      }
    }
    const written = run.write(endless()).catch((error: unknown) => error);
    const tab = new ChatSessionsClient({ baseUrl });
    await expect
      .poll(async () => (await shown())[1]?.content ?? '', { timeout: 20_000 })
      .toMatch(/^0 1 /);
    const { chat_session } = await tab.get(id);
    const stopped = await tab.cancelRun(id, chat_session.active_run!.id);
    const error = await written;
    expect(error).toBeInstanceOf(RunEnded);
    expect((error as RunEnded).run).toEqual(stopped.run);
    expect((await shown())[1]).toEqual(stopped.message);
    await expect.poll(() => isClosed, { timeout: 20_000 }).toBe(true);
  });

  it('has failed when its source throws', async () => {
    async function* broken() {
      yield 'Half';
      await sleep(1);
      throw new Error('overloaded');
    }
    const run = client.run(id);
    await expect(run.write(broken())).rejects.toThrow('overloaded');
    expect((await client.getRun(id, run.id)).run).toMatchObject({
      status: 'failed',
      error: { message: 'Error: overloaded' },
    });
    const [answer] = await shown();
    expect(answer).toMatchObject({ content: 'Half', status: 'partial' });
  });

  it('is stopped when its signal is aborted', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const run = client.run(id, {}, { signal });
    const written = run.write(stream(['a', 'b'], 60_000));
    await expect
      .poll(async () => (await client.get(id)).chat_session.active_run?.id, {
        timeout: 20_000,
      })
      .toBe(run.id);
    controller.abort(new Error('enough'));
    await expect(written).rejects.toThrow('enough');
    expect((await client.getRun(id, run.id)).run.status).toBe('cancelled');
  });

  it('is stopped when its signal is aborted while it starts', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const slow = new ChatSessionsClient({
      baseUrl,
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        if (signal.aborted) return response;
        controller.abort(new Error('enough'));
        throw signal.reason;
      },
    });
    const run = slow.run(id, {}, { signal });
    await expect(run.write(stream(['a']))).rejects.toThrow('enough');
    expect((await client.getRun(id, run.id)).run.status).toBe('cancelled');
  });

  it('has failed when somebody else reads its source', async () => {
    const locked = new ReadableStream<string>();
    locked.getReader();
    const run = client.run(id);
    await expect(run.write(locked)).rejects.toThrow(TypeError);
    expect((await client.getRun(id, run.id)).run.status).toBe('failed');
  });

  it('keeps its lease until it is finished', async () => {
    const run = client.run(id, { lease_seconds: 5 });
    const finish = async () => {
      await sleep(6_000);
      return { usage: { model: 'slow' } };
    };
    const { run: ended } = await run.write(stream(['done']), { finish });
    expect(ended.usage).toMatchObject({ model: 'slow' });
  }, 60_000);

  it('keeps its lease while the source is silent', async () => {
    const run = client.run(id, { lease_seconds: 5 });
    const { run: ended } = await run.write(stream(['late'], 6_000));
    expect(ended.status).toBe('completed');
  }, 60_000);

  it('is not written again with an id that was written before', async () => {
    const start = { id: 'job-7' };
    await client.startRun(id, start);
    const output = { fence: 1, offset: 0, text: 'Half' };
    await client.writeOutput(id, start.id, output);
    const again = client.run(id, start).write(stream(['Whole']));
    await expect(again).rejects.toThrow('written before: active');
    expect(await shown()).toMatchObject([{ content: 'Half', status: 'open' }]);
  });

  it('is refused while another one is active', async () => {
    await client.startRun(id, { id: 'first' });
    const error = await errorOf(client.run(id).write(stream(['x'])));
    expect(error).toMatchObject({
      code: 'run_active',
      body: { run: { id: 'first' } },
    });
  });

  it('waits for an approval, which counts once', async () => {
    const { run } = await client.startRun(id);
    const interrupts = [{ id: 'pay' }];
    await client.pauseRun(id, run.id, { fence: run.fence, interrupts });
    const yes = { approved: true };
    const ready = await client.answerInterrupt(id, run.id, 'pay', yes);
    expect(ready.run.status).toBe('ready');
    const no = client.answerInterrupt(id, run.id, 'pay', { approved: false });
    expect(await errorOf(no)).toMatchObject({ code: 'interrupt_answered' });
    const resumed = await client.resumeRun(id, run.id);
    expect(resumed.run).toMatchObject({ status: 'active', fence: 2 });
  });
});
