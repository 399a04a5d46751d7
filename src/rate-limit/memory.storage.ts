import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory } from 'rate-limiter-flexible';

/** Length of the window that requests are counted in. */
export const WINDOW_MS = 60_000;

/** Most callers that are counted at a time. Beyond that, the one seen longest ago starts from 0. */
const MAX_CALLERS = 100_000;

/**
 * Counts requests in this process, with one number for each caller. (The
 * throttler's own storage keeps a list of hits and filters it at each request.)
 */
@Injectable()
export class MemoryStorage implements ThrottlerStorage {
  private readonly limiter = new RateLimiterMemory({
    // Only counts: the limit depends on the request, and `increment` compares.
    points: Number.MAX_SAFE_INTEGER,
    duration: WINDOW_MS / 1000,
  });
  private readonly callers = new LRUCache<string, true>({
    // `max` would allocate memory for all callers at once.
    maxSize: MAX_CALLERS,
    sizeCalculation: () => 1,
    dispose: (_, key, reason) => {
      if (reason === 'evict') void this.limiter.delete(key);
    },
  });

  async increment(key: string, _ttl: number, limit: number) {
    if (!this.callers.get(key)) this.callers.set(key, true);
    const { consumedPoints, msBeforeNext } = await this.limiter.penalty(key);
    const seconds = Math.ceil(msBeforeNext / 1000);
    return {
      totalHits: consumedPoints,
      timeToExpire: seconds,
      isBlocked: consumedPoints > limit,
      timeToBlockExpire: seconds,
    };
  }
}
