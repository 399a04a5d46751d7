import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline } from './deadline.js';
import { StoreUnavailableError } from './errors.js';
import { withRetries } from './retry.js';

// Pauses move a clock of their own, so that a busy machine changes nothing.
vi.mock('node:timers/promises', () => ({
  setTimeout: async (milliseconds: number) => {
    await vi.advanceTimersByTimeAsync(milliseconds);
  },
}));
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function driverError(fields: object): Error {
  return Object.assign(new Error('From the driver'), fields);
}

const DEADLOCK = driverError({ errno: 1213, code: 'ER_LOCK_DEADLOCK' });

describe('withRetries', () => {
  it.each([
    ['a deadlock', DEADLOCK],
    ['a lock wait timeout', driverError({ errno: 1205 })],
    ['a record changed since it was read', driverError({ errno: 1020 })],
    ['a node without its cluster', driverError({ errno: 1047 })],
    ['a server that is read-only', driverError({ errno: 1290 })],
    ['a session that is read-only', driverError({ errno: 1792 })],
    ['an InnoDB that is read-only', driverError({ errno: 1836 })],
    ['an InnoDB that was started read-only', driverError({ errno: 1874 })],
    ['too many connections', driverError({ errno: 1040, fatal: true })],
    [
      'too many connections of the account',
      driverError({ errno: 1203, fatal: true }),
    ],
    ["the account's limit", driverError({ errno: 1226, fatal: true })],
    ['a statement that was killed', driverError({ errno: 1317 })],
    ['a statement that took too long', driverError({ errno: 1969 })],
    ['a SELECT that took too long', driverError({ errno: 3024 })],
    ['a server that shuts down', driverError({ errno: 1053 })],
    ['a server that has shut down', driverError({ errno: 1077 })],
    ['a server in offline mode', driverError({ errno: 3032 })],
    ['a session that was killed', driverError({ errno: 3169 })],
    ['a session that was idle for too long', driverError({ errno: 4031 })],
    [
      'a lost connection',
      driverError({ code: 'PROTOCOL_CONNECTION_LOST', fatal: true }),
    ],
    ['a busy SQLite file', driverError({ code: 'SQLITE_BUSY' })],
    [
      'a snapshot that grew old in SQLite',
      driverError({ code: 'SQLITE_BUSY_SNAPSHOT' }),
    ],
  ])('tries again after %s', async (_, error) => {
    const attempt = vi
      .fn<() => Promise<string>>()
      .mockRejectedValueOnce(error)
      .mockRejectedValueOnce(error)
      .mockResolvedValue('done');
    expect(await withRetries(new Deadline(5_000), attempt)).toBe('done');
    expect(attempt).toHaveBeenCalledTimes(3);
  });

  it.each([
    ['a duplicate key', driverError({ errno: 1062 })],
    ['an unknown outcome', new StoreUnavailableError('outcome_unknown')],
    ['a constraint of SQLite', driverError({ code: 'SQLITE_CONSTRAINT' })],
    ['an error of our own', new TypeError('x is undefined')],
  ])('gives up at once after %s', async (_, error) => {
    const attempt = vi.fn<() => Promise<void>>().mockRejectedValue(error);
    await expect(withRetries(new Deadline(5_000), attempt)).rejects.toBe(error);
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('repeats contention until the deadline, and no longer', async () => {
    const attempt = vi.fn<() => Promise<void>>().mockRejectedValue(DEADLOCK);
    const start = performance.now();
    await expect(withRetries(new Deadline(800), attempt)).rejects.toMatchObject(
      { code: 'store_timeout', cause: DEADLOCK },
    );
    const milliseconds = performance.now() - start;
    expect(milliseconds).toBeGreaterThan(400);
    expect(milliseconds).toBeLessThanOrEqual(800);
    expect(attempt.mock.calls.length).toBeGreaterThan(4);
    expect(attempt.mock.calls.length).toBeLessThan(20);
  });

  it('times out if a server never takes a connection', async () => {
    const silent = driverError({ code: 'ETIMEDOUT', fatal: true });
    const attempt = vi.fn<() => Promise<void>>().mockRejectedValue(silent);
    await expect(withRetries(new Deadline(800), attempt)).rejects.toMatchObject(
      { code: 'store_timeout', cause: silent },
    );
    expect(attempt.mock.calls.length).toBeGreaterThan(3);
  });

  it('tries three times within a second if there is no connection', async () => {
    const refused = driverError({ code: 'ECONNREFUSED', fatal: true });
    const attempt = vi.fn<() => Promise<void>>().mockRejectedValue(refused);
    const start = performance.now();
    await expect(
      withRetries(new Deadline(5_000), attempt),
    ).rejects.toMatchObject({ code: 'store_unreachable', cause: refused });
    expect(performance.now() - start).toBeLessThan(1000);
    expect(attempt).toHaveBeenCalledTimes(3);
  });
});
