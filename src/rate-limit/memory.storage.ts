import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory } from 'rate-limiter-flexible';

export const WINDOW_MS = 60_000;

/** With more callers than this in a minute, those seen longest ago start anew. */
const MAX_CALLERS = 100_000;

/**
 * Counts requests in this process: one number a caller, at constant cost. (The
 * throttler's own storage keeps a list of hits and filters it at each request.)
 */
@Injectable()
export class MemoryStorage implements ThrottlerStorage {
  private readonly limiter = new RateLimiterMemory({
    // Limits depend on the request: `increment` compares, this counts.
    points: Number.MAX_SAFE_INTEGER,
    duration: WINDOW_MS / 1000,
  });
  private readonly callers = new LRUCache<string, true>({
    // Not `max`, for which it takes its memory at once.
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
