import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  inject,
  it,
  vi,
} from 'vitest';
import { append, createSession } from '../../support/api.js';
import type { TcpProxy } from '../../support/faults/tcp-proxy.js';
import { connectMysql } from '../../support/mysql-connection.js';
import { createProxiedDatabase } from '../../support/mysql-database.js';
import { inParallel } from '../../support/parallel.js';
import { TestApp } from '../../support/test-app.js';

const POOL_SIZE = 20;
/** Twice the default, for a machine that is busy. */
const DEADLINE_MS = 10_000;

let proxy: TcpProxy;
let api: TestApp;
let id: string;

beforeEach(async () => {
  api = new TestApp({
    createDatabase: async () => {
      const database = await createProxiedDatabase(inject('mysqlUrl'));
      proxy = database.proxy;
      return database;
    },
    environment: {
      CACHE: 'off',
      DATABASE_POOL_SIZE: String(POOL_SIZE),
      REQUEST_DEADLINE_MS: String(DEADLINE_MS),
    },
  });
  await api.start();
  ({ id } = await createSession(api));
});

afterEach(async () => {
  vi.useRealTimers();
  await proxy?.heal();
  await api?.stop();
  await proxy?.stop();
});

/** Opens every connection of the pool. A platform's own code may use them past the module. */
async function fillPool(): Promise<void> {
  await inParallel(POOL_SIZE, () => api.dataSource.query('SELECT SLEEP(0.2)'));
}

/** All clocks jump, and nothing was used meanwhile. */
function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

/** Half of them write. Each must be answered within its deadline. */
async function expectAnswers(count: number): Promise<void> {
  const responses = await inParallel(count, async (n) => {
    const start = performance.now();
    const { status } =
      n % 2
        ? await append(api, id, { role: 'user', content: 'Hello' })
        : await api.send('GET', `/api/chat-sessions/${id}`);
    return { status, isLate: performance.now() - start > DEADLINE_MS };
  });
  for (const [n, response] of responses.entries()) {
    expect(response).toEqual({ status: n % 2 ? 201 : 200, isLate: false });
  }
}

describe('connections that a gateway has forgotten while they were idle', () => {
  it.each([1, POOL_SIZE, 5 * POOL_SIZE])(
    'fail none of %i requests that come at once',
    async (count) => {
      await fillPool();
      pass(60);
      proxy.inject({ kind: 'forget' });
      expect(proxy.faults).toBeGreaterThanOrEqual(POOL_SIZE - 1);
      await expectAnswers(count);
      // None of the forgotten connections is left.
      await expectAnswers(5 * POOL_SIZE);
    },
  );
});

it('connections that are lost in use cost no more than one deadline', async () => {
  await fillPool();
  proxy.inject({ kind: 'forget' });
  expect((await api.send('GET', `/api/chat-sessions/${id}`)).status).toBe(503);
  await expectAnswers(POOL_SIZE);
});

it('connections are closed after three minutes without use', async () => {
  await fillPool();
  const administrator = await connectMysql(inject('mysqlUrl'));
  const open = async () => {
    const [rows] = await administrator.query(
      'SELECT 1 FROM information_schema.processlist WHERE db = ?',
      [new URL(api.database.url).pathname.slice(1)],
    );
    return (rows as unknown[]).length;
  };
  pass(170);
  await sleep(3_000);
  expect(await open()).toBeGreaterThan(POOL_SIZE / 2);
  pass(20);
  await expect.poll(open, { timeout: 60_000 }).toBe(0);
  await administrator.end();
  await expectAnswers(POOL_SIZE);
});
