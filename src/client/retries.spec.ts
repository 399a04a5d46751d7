import {
  setImmediate as nextTurn,
  setTimeout as sleep,
} from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  errorOf,
  ETAG,
  ID,
  scripted,
  type Step,
} from '../../test/support/scripted-client.js';
import type { ChatSessionsClient } from './index.js';

const message = { role: 'user', content: 'Hello' } as const;

beforeEach(() => {
  // No random pauses, only those that the service asks for.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

describe('a request', () => {
  it.each([
    'ECONNRESET',
    [408],
    [429],
    [500],
    [502],
    [503],
    [504],
    [409, { 'retry-after': '0' }],
  ] satisfies Step[])('is sent again after %j', async (step) => {
    const { client, sent } = scripted([step]);
    await client.append(ID, message);
    expect(sent).toHaveLength(2);
  });

  it.each([[400], [401], [403], [404], [409], [412], [413], [422]] satisfies [
    number,
  ][])('is not sent again after %i', async (status) => {
    const { client, sent } = scripted([[status]]);
    const error = await errorOf(client.append(ID, message));
    expect(error).toMatchObject({ status, attempts: 1, mayBeDone: false });
    expect(sent).toHaveLength(1);
  });

  type Call = (client: ChatSessionsClient) => Promise<unknown>;
  it.each<[string, Call]>([
    ['a create', (client) => client.create({ title: 'x' })],
    ['a create with an id', (client) => client.create({ id: ID })],
    ['an append', (client) => client.append(ID, message)],
    ['an append of several', (client) => client.append(ID, [message, message])],
    ['a clear', (client) => client.clear(ID)],
    ['get-or-create', (client) => client.ofSection('doc', 'sec')],
    ['a get', (client) => client.get(ID)],
    ['a change', (client) => client.update(ID, {}, { ifMatch: ETAG })],
    ['a PUT', (client) => client.replaceConfig(ID, {}, { ifMatch: ETAG })],
    ['a delete', (client) => client.delete(ID, { ifMatch: ETAG })],
  ])('is repeated unchanged: %s', async (_, call) => {
    const { client, sent } = scripted(['ECONNRESET', [503], [500]]);
    await call(client);
    expect(sent).toHaveLength(4);
    const [first, ...others] = sent.map(({ at: _at, headers, ...request }) => ({
      ...request,
      headers: [...headers],
    }));
    for (const other of others) expect(other).toEqual(first);
  });

  it.each<[string, Call]>([
    ['a change', (client) => client.update(ID, {})],
    ['a PUT', (client) => client.replaceConfig(ID, {})],
    ['a delete', (client) => client.delete(ID)],
    ['If-Match: *', (client) => client.delete(ID, { ifMatch: '*' })],
  ])('is not sent again: %s without a version', async (_, call) => {
    const { client, sent } = scripted(['ECONNRESET']);
    const error = await errorOf(call(client));
    expect(error).toMatchObject({
      message: 'no response: ECONNRESET',
      status: undefined,
      attempts: 1,
      mayBeDone: true,
    });
    expect(sent).toHaveLength(1);
  });

  it('is sent 5 times at most', async () => {
    const steps: Step[] = Array(9).fill([503]) as Step[];
    const { client, sent } = scripted(steps);
    const error = await errorOf(client.get(ID));
    expect(error).toMatchObject({ attempts: 5, mayBeDone: false });
    expect(sent).toHaveLength(5);
    const once = scripted(steps, { maxAttempts: 1 });
    await errorOf(once.client.get(ID));
    expect(once.sent).toHaveLength(1);
  });
});

describe('ids and keys', () => {
  it('are made by the client if the caller gives none', async () => {
    const { client, sent } = scripted([]);
    await client.create({});
    await client.clear(ID);
    await client.append(ID, [message, { ...message, id: 'own' }]);
    const [create, clear, append] = sent;
    expect(create?.headers.get('idempotency-key')).toHaveLength(36);
    expect(clear?.headers.get('idempotency-key')).toHaveLength(36);
    expect(append?.headers.has('idempotency-key')).toBe(false);
    expect(JSON.parse(append!.body!)).toEqual({
      messages: [
        { ...message, id: expect.stringMatching(/^.{36}$/) as string },
        { ...message, id: 'own' },
      ],
    });
  });

  it('are those of the caller otherwise', async () => {
    const { client, sent } = scripted([]);
    await client.create({ id: ID });
    await client.create({}, { idempotencyKey: 'k' });
    await client.clear(ID, { idempotencyKey: 'k' });
    await client.append(ID, message, { idempotencyKey: 'k' });
    const keys = sent.map(({ headers }) => headers.get('idempotency-key'));
    expect(keys).toEqual([null, 'k', 'k', 'k']);
    // A new id would make it another request.
    expect(JSON.parse(sent[3]!.body!)).toEqual(message);
  });
});

/** Settles like the call, whose pauses pass at once. The clock has to be a fake. */
async function withoutWaiting<T>(call: Promise<T>): Promise<T> {
  let isOver = false;
  const settled = call.finally(() => (isOver = true));
  while (!isOver) {
    await nextTurn();
    await vi.advanceTimersToNextTimerAsync();
  }
  return settled;
}

describe('pauses', () => {
  afterEach(() => void vi.useRealTimers());

  const START = new Date('2026-11-23T01:02:03Z');

  function useFakeClock(): void {
    vi.useFakeTimers({
      now: START,
      toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'],
    });
  }

  it.each([
    ['seconds', '2'],
    ['a date', 'Mon, 23 Nov 2026 01:02:05 GMT'],
  ])('last as long as Retry-After says, in %s', async (_, retryAfter) => {
    useFakeClock();
    const { client, sent } = scripted([[429, { 'retry-after': retryAfter }]]);
    await withoutWaiting(client.create());
    expect(sent).toHaveLength(2);
    expect(sent[1]!.at - sent[0]!.at).toBe(2_000);
  });

  it('are skipped if the request would take too long', async () => {
    const { client, sent } = scripted([[429, { 'retry-after': '91' }]]);
    const error = await errorOf(client.get(ID));
    expect(error).toMatchObject({ status: 429, retryAfter: 91, attempts: 1 });
    expect(sent).toHaveLength(1);
  });

  it('are random up to a limit that doubles', async () => {
    useFakeClock();
    vi.spyOn(Math, 'random').mockReturnValue(0.4);
    const { client, sent } = scripted([[503], [503]]);
    await withoutWaiting(client.get(ID));
    const [first, second, third] = sent.map(({ at }) => at) as number[];
    expect([second! - first!, third! - second!]).toEqual([100, 200]);
  });

  it('end with the signal', async () => {
    const { client, sent } = scripted([[429, { 'retry-after': '60' }]]);
    const signal = AbortSignal.timeout(50);
    const call = client.get(ID, { signal });
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(sent).toHaveLength(1);
  });
});

describe('a try', () => {
  /** Never responds. */
  const silent: typeof fetch = (_, init) =>
    new Promise((__, reject) => {
      const { signal } = init!;
      signal!.addEventListener('abort', () => {
        reject(signal!.reason as Error);
      });
    });

  it('ends after its timeout', async () => {
    const { client } = scripted([], {
      fetch: silent,
      timeoutMs: 20,
      maxAttempts: 2,
    });
    const error = await errorOf(client.create());
    expect(error).toMatchObject({
      message: 'no response: timed out after 20 ms',
      attempts: 2,
      mayBeDone: true,
    });
  });

  it('may have no timeout', async () => {
    const slow: typeof fetch = async (_url, init) => {
      await sleep(10);
      init!.signal!.throwIfAborted();
      return Response.json({ messages: [] });
    };
    const { client } = scripted([], {
      fetch: slow,
      timeoutMs: Infinity,
      totalTimeoutMs: Infinity,
    });
    expect(await client.history()).toEqual({ messages: [] });
  });

  it("ends with the request's timeout or the caller's signal", async () => {
    // A pause too long for the timeout: on a busy event loop timers fire early.
    vi.spyOn(Math, 'random').mockReturnValue(0.9);
    const options = { fetch: silent, totalTimeoutMs: 30 };
    const { client } = scripted([], options);
    expect(await errorOf(client.get(ID))).toMatchObject({ attempts: 1 });
    const patient = scripted([], { fetch: silent });
    const signal = AbortSignal.timeout(20);
    const call = patient.client.get(ID, { signal });
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
