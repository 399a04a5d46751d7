import type { ExecutionContext } from '@nestjs/common';
import type { ThrottlerModuleOptions } from '@nestjs/throttler';
import { TOO_MANY_REQUESTS } from '../http/route-errors.js';
import { MemoryStorage, WINDOW_MS } from './memory.storage.js';

export interface RateLimits {
  /** Reading requests a minute; 0 is no limit. */
  readonly RATE_LIMIT: number;
  /** Writing requests a minute; 0 is no limit. */
  readonly RATE_LIMIT_WRITES: number;
}

/** Requests a minute; 0 is no limit. */
export type LimitOf = (context: ExecutionContext) => number;

/** One throttler, whose limit is that of the kind of request. */
export function throttlerOptions(limits: RateLimits): ThrottlerModuleOptions {
  const limitOf: LimitOf = (context) =>
    isWrite(context) ? limits.RATE_LIMIT_WRITES : limits.RATE_LIMIT;
  return {
    throttlers: [{ ttl: WINDOW_MS, limit: limitOf }],
    storage: new MemoryStorage(),
    errorMessage: TOO_MANY_REQUESTS,
  };
}

export function isWrite(context: ExecutionContext): boolean {
  const { method } = context.switchToHttp().getRequest<{ method: string }>();
  return method !== 'GET' && method !== 'HEAD';
}
