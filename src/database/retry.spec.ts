import { describe, expect, it, vi } from 'vitest';
import { withRetries } from './retry.js';

function driverError(fields: object): Error {
  return Object.assign(new Error('From the driver'), fields);
}

const DEADLOCK = driverError({ errno: 1213, code: 'ER_LOCK_DEADLOCK' });

describe('withRetries', () => {
  it.each([
    ['a deadlock', DEADLOCK],
    ['a lock wait timeout', driverError({ errno: 1205 })],
    ['a record changed since it was read', driverError({ errno: 1020 })],
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
    expect(await withRetries(attempt)).toBe('done');
    expect(attempt).toHaveBeenCalledTimes(3);
  });

  it.each([
    ['a duplicate key', driverError({ errno: 1062 })],
    ['a lost connection', driverError({ code: 'PROTOCOL_CONNECTION_LOST' })],
    ['a constraint of SQLite', driverError({ code: 'SQLITE_CONSTRAINT' })],
    ['an error of our own', new TypeError('x is undefined')],
  ])('gives up at once after %s', async (_, error) => {
    const attempt = vi.fn<() => Promise<void>>().mockRejectedValue(error);
    await expect(withRetries(attempt)).rejects.toBe(error);
    expect(attempt).toHaveBeenCalledTimes(1);
  });

  it('gives up after so many tries, but not before 0.4 s, with the last error', async () => {
    const attempt = vi.fn<() => Promise<void>>().mockRejectedValue(DEADLOCK);
    const start = performance.now();
    await expect(withRetries(attempt)).rejects.toBe(DEADLOCK);
    expect(performance.now() - start).toBeGreaterThan(400);
    expect(attempt.mock.calls.length).toBeGreaterThan(3);
    expect(attempt.mock.calls.length).toBeLessThan(20);
  });
});
