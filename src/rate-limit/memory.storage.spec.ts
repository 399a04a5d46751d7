import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryStorage, WINDOW_MS } from './memory.storage.js';

const LIMIT = 3;

function hit(storage: MemoryStorage, key: string) {
  return storage.increment(key, WINDOW_MS, LIMIT);
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('MemoryStorage', () => {
  it('counts for a minute from the first hit, then starts from 0', async () => {
    const storage = new MemoryStorage();
    for (let hits = 1; hits <= 5; hits++) {
      expect(await hit(storage, 'alice')).toEqual({
        totalHits: hits,
        timeToExpire: 60 - (hits - 1) * 10,
        isBlocked: hits > LIMIT,
        timeToBlockExpire: 60 - (hits - 1) * 10,
      });
      vi.advanceTimersByTime(10_000);
    }
    vi.advanceTimersByTime(10_000);
    expect(await hit(storage, 'alice')).toMatchObject({
      totalHits: 1,
      isBlocked: false,
    });
  });

  it('counts each key separately', async () => {
    const storage = new MemoryStorage();
    await hit(storage, 'alice');
    expect(await hit(storage, 'bob')).toMatchObject({ totalHits: 1 });
  });

  it('forgets the caller seen longest ago after 100,000 others', async () => {
    const storage = new MemoryStorage();
    await hit(storage, 'early');
    await hit(storage, 'busy');
    for (let i = 0; i < 99_999; i++) await hit(storage, `caller ${i}`);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(100_000);
    expect(await hit(storage, 'early')).toMatchObject({ totalHits: 1 });
  });
});
