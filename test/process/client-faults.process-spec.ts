import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ChatSessionsClient } from '../../src/client/index.js';
import { numbers } from '../support/api.js';
import { type Fault, TcpProxy } from '../support/faults/tcp-proxy.js';
import type { TestDatabase } from '../support/mysql-database.js';
import { inParallel } from '../support/parallel.js';
import { errorOf } from '../support/scripted-client.js';
import {
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { STORE } from '../support/stores.js';
import { createTestDatabase } from '../support/test-database.js';

const CLIENTS = 4;
const CALLS = 4;

let database: TestDatabase;
let service: ServiceProcess;
/** Between client and service. Its faults around COMMIT hit writes. */
let front: TcpProxy;
/** Between service and MySQL. */
let back: TcpProxy | undefined;
let baseUrl: string;
let client: ChatSessionsClient;

beforeAll(async () => {
  database = await createTestDatabase();
  const url = new URL(database.url);
  if (STORE === 'mysql') {
    back = await TcpProxy.before(Number(url.port));
    url.port = String(back.port);
  }
  service = await startService({
    DATABASE_URL: url.href,
    DATABASE_MIGRATE: 'true',
  });
  front = await TcpProxy.before(Number(new URL(service.url).port), (packet) =>
    /^(POST|PUT|PATCH|DELETE) /.test(packet.toString('latin1')),
  );
  baseUrl = `http://127.0.0.1:${front.port}`;
  client = new ChatSessionsClient({
    baseUrl,
    timeoutMs: 5_000,
    maxAttempts: 20,
  });
});

afterAll(async () => {
  await front?.stop();
  await service?.stop();
  await back?.stop();
  await database?.remove();
});

afterEach(async () => {
  await front.heal();
  await back?.heal();
});

/** Nothing passes during these faults: they are injected and healed in turn. */
const TOTAL = new Set(['reset', 'refuse', 'blackhole']);

/** Runs the work to its end and injects the fault while it runs. */
async function under<T>(
  proxy: TcpProxy,
  fault: Fault,
  work: () => Promise<T>,
): Promise<T> {
  const faultsBefore = proxy.faults;
  const interruptions = TOTAL.has(fault.kind)
    ? interrupt(proxy, fault)
    : proxy.inject(fault);
  try {
    const result = await work();
    expect(proxy.faults).toBeGreaterThan(faultsBefore);
    return result;
  } finally {
    await interruptions;
    await proxy.heal();
  }
}

/** Injects the fault three times, for 250 ms each. */
async function interrupt(proxy: TcpProxy, fault: Fault): Promise<void> {
  for (let round = 0; round < 3; round++) {
    proxy.inject(fault);
    await sleep(250);
    await proxy.heal();
    await sleep(100);
  }
}

/**
 * Appends as several clients at once, one message and two in turn. Resolves to
 * the acknowledged messages and their seqs.
 */
async function appendMany(id: string): Promise<Map<string, number>> {
  const acks = new Map<string, number>();
  const say = (content: string) => ({ role: 'user', content }) as const;
  await inParallel(CLIENTS, async (name) => {
    for (const n of numbers(1, CALLS)) {
      const text = `${name}.${n}`;
      const { message } = await client.append(id, say(text));
      const { messages } = await client.append(id, [
        say(`${text}a`),
        say(`${text}b`),
      ]);
      for (const { content, seq } of [message, ...messages]) {
        acks.set(content, seq);
      }
      await sleep(50); // Spreads the appends over the interruptions.
    }
  });
  return acks;
}

async function expectEachAppendOnce(proxy: TcpProxy, fault: Fault) {
  const { id } = (await client.create()).chat_session;
  const acks = await under(proxy, fault, () => appendMany(id));
  expect(acks.size).toBe(CLIENTS * CALLS * 3);
  const stored: [string, number][] = [];
  for await (const { content, seq } of client.messages(id, { limit: 50 })) {
    stored.push([content, seq]);
  }
  expect(stored).toHaveLength(acks.size);
  expect(new Map(stored)).toEqual(acks);
  expect(stored.map(([, seq]) => seq)).toEqual(numbers(1, acks.size));
}

function betweenClientAndService() {
  it.each<Fault>([
    { kind: 'reset' },
    { kind: 'refuse' },
    { kind: 'blackhole' },
    { kind: 'cut before COMMIT', every: 4 },
    { kind: 'cut reply', every: 3 },
    { kind: 'swallow reply', every: 15 },
  ])('stores each append once with the fault $kind', async (fault) => {
    await expectEachAppendOnce(front, fault);
  });

  it('creates and clears once with lost responses', async () => {
    const title = 'created once';
    const fault: Fault = { kind: 'cut reply', every: 2 };
    await under(front, fault, async () => {
      for (let n = 0; n < 6; n++) {
        const { chat_session } = await client.create({ title });
        await client.clear(chat_session.id);
      }
    });
    const versions: number[] = [];
    for await (const session of client.sessions({ limit: 4 })) {
      if (session.title === title) versions.push(session.version);
    }
    expect(versions).toEqual(Array(6).fill(2));
  });

  it('tells the caller of a lost response that the change may have been made', async () => {
    const losesFirst = new ChatSessionsClient({
      baseUrl,
      fetch: async (...request) => {
        try {
          return await fetch(...request);
        } finally {
          await front.heal();
        }
      },
    });
    const fault: Fault = { kind: 'cut reply', every: 1 };
    const { chat_session, etag } = await client.create();
    const { id } = chat_session;
    front.inject(fault);
    const lost = await errorOf(losesFirst.update(id, { pinned: true }));
    expect(lost).toMatchObject({
      status: undefined,
      attempts: 1,
      mayBeDone: true,
    });
    const changed = await client.get(id, { ifNoneMatch: etag });
    expect(changed?.chat_session).toMatchObject({ pinned: true, version: 2 });
    front.inject(fault);
    const deleted = await errorOf(
      losesFirst.delete(id, { ifMatch: changed!.etag }),
    );
    expect(deleted).toMatchObject({
      status: 404,
      attempts: 2,
      mayBeDone: true,
    });
  });
}

function betweenServiceAndMysql() {
  it.each<Fault>([{ kind: 'reset' }, { kind: 'cut reply', every: 4 }])(
    'stores each append once with the fault $kind',
    async (fault) => {
      await expectEachAppendOnce(back!, fault);
    },
  );
}

if (STORE === 'mysql') {
  describe('a network between service and MySQL', betweenServiceAndMysql);
} else {
  describe('a network between client and service', betweenClientAndService);
}
