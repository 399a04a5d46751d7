import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
  vi,
} from 'vitest';
import { IdempotencyKey } from '../../src/chat-sessions/writes/idempotency/idempotency-key.entity.js';
import { IdempotencyKeysRepository } from '../../src/chat-sessions/writes/idempotency/idempotency-keys.repository.js';
import { IdempotencySweeper } from '../../src/chat-sessions/writes/idempotency/idempotency-sweeper.js';
import { Database } from '../../src/database/database.js';
import { append, createSession, numbers } from '../support/api.js';
import { HELLO, holdKey } from '../support/idempotent.js';
import { inParallel } from '../support/parallel.js';
import { onMysql } from '../support/stores.js';
import { TestApp, useTestApp } from '../support/test-app.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const OLD_MS = DAY_MS + 60_000;

function keysOf(api: TestApp) {
  return api.dataSource.getRepository(IdempotencyKey);
}

/** Stores keys of an age in milliseconds: `PREFIX 1`, `PREFIX 2` ... Three share each time. */
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

  it('deletes all keys older than the TTL in batches, and no other', async () => {
    await store(api, 'old', 450, OLD_MS);
    await store(api, 'young', 3, DAY_MS - 60_000);
    const batches = vi.spyOn(api.app.get(Database), 'write');
    expect(await sweeper.run()).toBe(450);
    expect(batches.mock.calls.length).toBeGreaterThan(4);
    const left = await keysOf(api).find({ order: { key: 'ASC' } });
    expect(left.map(({ key }) => key)).toEqual([
      'young 1',
      'young 2',
      'young 3',
    ]);
    expect(await sweeper.run()).toBe(0);
  });

  it('may run on several instances at once', async () => {
    await store(api, 'old', 450, OLD_MS);
    const swept = await inParallel(3, () => sweeper.run());
    expect(swept.reduce((sum, count) => sum + count)).toBe(450);
    expect(await keysOf(api).count()).toBe(0);
  });

  it('keeps a key that is used again after another instance deleted it', async () => {
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

  it('lets requests run between its batches', async () => {
    await store(api, 'old', 1_000, OLD_MS);
    const order: string[] = [];
    await Promise.all([
      sweeper.run().then(() => order.push('run')),
      createSession(api).then(() => order.push('request')),
    ]);
    expect(order).toEqual(['request', 'run']);
  });

  // On SQLite one write comes after the other.
  onMysql.describe('while a request with an Idempotency-Key runs', () => {
    it.each([
      ['a few', 5, 0],
      ['many', 600, 100],
    ])(
      'deletes %s old keys, and new keys are inserted meanwhile',
      async (_, old, young) => {
        await store(api, 'old', old, OLD_MS);
        if (young > 0) await store(api, 'young', young, 1_000);
        const { id } = await createSession(api);
        await holdKey(api, 'runs');
        const sweeping = sweeper.run();
        const responses = inParallel(5, (n) =>
          append(api, id, HELLO, { 'idempotency-key': `new ${n}` }),
        );
        // Waiting for the key that is held would end in an error.
        expect(await sweeping).toBe(old);
        for (const { status } of await responses) expect(status).toBe(201);
      },
    );
  });
});

describe('the timer of the sweep', () => {
  /** An application that sweeps once a second. */
  async function startApp(): Promise<TestApp> {
    const api = new TestApp({
      environment: { IDEMPOTENCY_TTL: '1' },
      startBackgroundTasks: true,
    });
    onTestFinished(async () => {
      vi.restoreAllMocks();
      await api.stop();
    });
    return api.start();
  }

  it('logs a sweep that failed, and tries again later', async () => {
    const api = await startApp();
    const warn = vi.spyOn(api.logger, 'warn');
    vi.spyOn(api.app.get(IdempotencySweeper), 'run').mockRejectedValueOnce(
      new Error('on purpose'),
    );
    await store(api, 'old', 5, OLD_MS);
    await expect
      .poll(() => warn.mock.calls.length, { timeout: 60_000 })
      .toBe(1);
    expect(warn.mock.calls[0]).toEqual([
      {
        message: 'Old Idempotency-Keys were not deleted',
        error: expect.stringMatching(/^Error: on purpose\n +at /) as string,
      },
      IdempotencySweeper.name,
    ]);
    const count = () => keysOf(api).count();
    await expect.poll(count, { timeout: 60_000 }).toBe(0);
    expect(warn).toHaveBeenCalledOnce();
  });

  it('ends with the application, after the current batch', async () => {
    const api = await startApp();
    const sweeper = api.app.get(IdempotencySweeper);
    const sweep = sweeper.run.bind(sweeper);
    const spy = vi.spyOn(sweeper, 'run').mockResolvedValue(0);
    await store(api, 'old', 1_000, OLD_MS);
    await new Promise<void>((begun) => {
      spy.mockImplementation(() => {
        begun();
        return sweep();
      });
    });
    // The application does so before it closes the store.
    await sweeper.onModuleDestroy();
    const left = await keysOf(api).count();
    expect(left).toBeGreaterThan(0);
    const sweeps = spy.mock.calls.length;
    // More than the pause between two sweeps.
    await sleep(1_500);
    expect(await keysOf(api).count()).toBe(left);
    expect(spy).toHaveBeenCalledTimes(sweeps);
  });
});
