import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  inject,
  it,
  onTestFinished,
  vi,
} from 'vitest';
import { IdempotencyKey } from '../../src/chat-sessions/writes/idempotency/idempotency-key.entity.js';
import { IdempotencyKeysRepository } from '../../src/chat-sessions/writes/idempotency/idempotency-keys.repository.js';
import { IdempotencySweeper } from '../../src/chat-sessions/writes/idempotency/idempotency-sweeper.js';
import { Database } from '../../src/database/database.js';
import { connectMysql } from '../../src/database/mysql/connection.js';
import { append, createSession, numbers } from '../support/api.js';
import { TestApp, useTestApp } from '../support/test-app.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const OLD_MS = DAY_MS + 60_000;

function keysOf(api: TestApp) {
  return api.dataSource.getRepository(IdempotencyKey);
}

/** Stores keys of this age, `PREFIX 1` and so on, a few of each moment. */
async function store(api: TestApp, prefix: string, count: number, age: number) {
  await keysOf(api).insert(
    numbers(1, count).map((n) => ({
      ownerId: 'local',
      key: `${prefix} ${n}`,
      requestHash: '',
      status: 201,
      sessionId: '',
      messageIds: [],
      createdAt: new Date(Date.now() - age - Math.floor(n / 3)),
    })),
  );
}

describe('the sweep', () => {
  const api = useTestApp();
  let sweeper: IdempotencySweeper;

  beforeEach(async () => {
    sweeper = api.app.get(IdempotencySweeper);
    await keysOf(api).clear();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('deletes what is older than the TTL, in batches, and nothing else', async () => {
    await store(api, 'old', 450, OLD_MS);
    await store(api, 'young', 3, DAY_MS - 60_000);
    const batches = vi.spyOn(api.app.get(Database), 'write');
    expect(await sweeper.sweep()).toBe(450);
    expect(batches.mock.calls.length).toBeGreaterThan(4);
    const left = await keysOf(api).find({ order: { key: 'ASC' } });
    expect(left.map(({ key }) => key)).toEqual([
      'young 1',
      'young 2',
      'young 3',
    ]);
    expect(await sweeper.sweep()).toBe(0);
  });

  it('is not disturbed by that of another instance', async () => {
    await store(api, 'old', 450, OLD_MS);
    const swept = await Promise.all(numbers(1, 3).map(() => sweeper.sweep()));
    expect(swept.reduce((sum, count) => sum + count)).toBe(450);
    expect(await keysOf(api).count()).toBe(0);
  });

  it('keeps a key that was used again after the other instance had deleted it', async () => {
    await store(api, 'old', 1, OLD_MS);
    const before = new Date(Date.now() - DAY_MS);
    const keys = api.app.get(IdempotencyKeysRepository);
    const found = await api.app.get(Database).read(function* () {
      return yield* keys.findOlder(before, 10);
    });
    expect(found).toMatchObject([{ ownerId: 'local', key: 'old 1' }]);
    await keysOf(api).clear();
    await store(api, 'old', 1, 0);
    const deleted = await api.app.get(Database).write(function* () {
      return yield* keys.deleteOlder(found, before);
    });
    expect(deleted).toBe(0);
    expect(await keysOf(api).count()).toBe(1);
  });

  it('leaves time for requests between its batches', async () => {
    await store(api, 'old', 1_000, OLD_MS);
    const order: string[] = [];
    await Promise.all([
      sweeper.sweep().then(() => order.push('sweep')),
      createSession(api).then(() => order.push('request')),
    ]);
    expect(order).toEqual(['request', 'sweep']);
  });

  function besideARequest() {
    it.each([
      ['a few', 5, 0],
      ['many', 600, 100],
    ])(
      'of %s waits for no request that runs, and holds up none',
      async (_, old, young) => {
        await store(api, 'old', old, OLD_MS);
        if (young > 0) await store(api, 'young', young, 1_000);
        const { id } = await createSession(api);
        const stranger = await connectMysql(api.database.url);
        onTestFinished(() => stranger.destroy());
        await stranger.beginTransaction();
        await stranger.query(
          "INSERT INTO idempotency_keys VALUES ('local', 'runs', '', 0, '', '[]', UTC_TIMESTAMP(3))",
        );
        const sweeping = sweeper.sweep();
        // Time for the sweep to run into the stranger's key.
        await sleep(50);
        const start = performance.now();
        for (const n of numbers(1, 5)) {
          const answer = await append(
            api,
            id,
            { role: 'user', content: 'Hello' },
            { 'idempotency-key': `new ${n}` },
          );
          expect(answer.status).toBe(201);
        }
        // Waiting for the stranger's key would take a second.
        expect(performance.now() - start).toBeLessThan(900);
        expect(await sweeping).toBe(old);
      },
    );
  }
  // On SQLite one comes after the other.
  if (inject('store') === 'mysql') describe('on MySQL', besideARequest);
});

describe('the timer of the sweep', () => {
  /** Sweeps once a second. */
  async function startApp(): Promise<TestApp> {
    const api = new TestApp({ environment: { IDEMPOTENCY_TTL: '1' } });
    onTestFinished(async () => {
      vi.restoreAllMocks();
      await api.stop();
    });
    return api.start();
  }

  it('tells of a sweep that failed, and tries again later', async () => {
    const api = await startApp();
    const warn = vi.spyOn(api.logger, 'warn');
    vi.spyOn(api.app.get(IdempotencySweeper), 'sweep').mockRejectedValueOnce(
      new Error('on purpose'),
    );
    await store(api, 'old', 5, OLD_MS);
    await expect
      .poll(() => warn.mock.calls.length, { timeout: 10_000 })
      .toBe(1);
    expect(warn.mock.calls[0]).toEqual([
      {
        message: 'Old Idempotency-Keys were not deleted',
        error: expect.stringMatching(/^Error: on purpose\n +at /) as string,
      },
      IdempotencySweeper.name,
    ]);
    const count = () => keysOf(api).count();
    await expect.poll(count, { timeout: 10_000 }).toBe(0);
    expect(warn).toHaveBeenCalledOnce();
  });

  it('ends with the application, which waits for one batch at most', async () => {
    const api = await startApp();
    const sweeper = api.app.get(IdempotencySweeper);
    const sweep = sweeper.sweep.bind(sweeper);
    const spy = vi.spyOn(sweeper, 'sweep').mockResolvedValue(0);
    await store(api, 'old', 1_000, OLD_MS);
    await new Promise<void>((begun) => {
      spy.mockImplementation(() => {
        begun();
        return sweep();
      });
    });
    // As the application does before it closes the store.
    await sweeper.onModuleDestroy();
    const left = await keysOf(api).count();
    expect(left).toBeGreaterThan(0);
    const sweeps = spy.mock.calls.length;
    await sleep(1_500);
    expect(await keysOf(api).count()).toBe(left);
    expect(spy).toHaveBeenCalledTimes(sweeps);
  });
});
