import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ThrottlerGuard } from '@nestjs/throttler';
import { TOO_MANY_REQUESTS } from '../http/route-errors.js';
import { isPublic } from '../identity/public.decorator.js';
import { MemoryStorage, WINDOW_MS } from './memory.storage.js';
import { RATE_LIMITS, type RateLimits } from './rate-limits.js';

/**
 * Counts the requests of a caller over all routes, reads and writes apart, but
 * for routes that are `@Public()`. Requests over the limit get 429.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    @Inject(RATE_LIMITS) private readonly limits: RateLimits,
    @Inject(Reflector) reflector: Reflector,
  ) {
    const throttlers = [{ ttl: WINDOW_MS, limit: 0 }];
    const options = { throttlers, errorMessage: TOO_MANY_REQUESTS };
    super(options, new MemoryStorage(), reflector);
  }

  /** Without a look for the throttler's own decorators, which no route has: it takes longer than the counting. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(this.reflector, context)) return true;
    const limit = isWrite(context) ? this.limits.writes : this.limits.reads;
    if (limit === 0) return true;
    const { getTracker, generateKey } = this.commonOptions;
    return this.handleRequest({
      context,
      limit,
      ttl: WINDOW_MS,
      blockDuration: WINDOW_MS,
      throttler: this.throttlers[0]!,
      getTracker: getTracker!,
      generateKey: generateKey!,
    });
  }

  /** Counts a read that no route answers. Returns its headers, or undefined if it is over the limit. */
  async countRead(owner: string): Promise<Record<string, string> | undefined> {
    const { reads } = this.limits;
    if (reads === 0) return {};
    const { totalHits, timeToExpire, isBlocked } =
      await this.storageService.increment(
        keyOf('reads', ownerCalled(owner)),
        WINDOW_MS,
        reads,
        WINDOW_MS,
        'default',
      );
    if (isBlocked) return undefined;
    return {
      'x-ratelimit-limit': String(reads),
      'x-ratelimit-remaining': String(Math.max(reads - totalHits, 0)),
      'x-ratelimit-reset': String(timeToExpire),
    };
  }

  protected override async getTracker(request: object): Promise<string> {
    const owner = await this.limits.owner(request);
    return owner
      ? ownerCalled(owner)
      : `address ${await super.getTracker(request)}`;
  }

  protected override generateKey(
    context: ExecutionContext,
    tracker: string,
  ): string {
    return keyOf(isWrite(context) ? 'writes' : 'reads', tracker);
  }
}

function ownerCalled(id: string): string {
  return `owner ${id}`;
}

function keyOf(what: 'reads' | 'writes', caller: string): string {
  return `${what} of ${caller}`;
}

function isWrite(context: ExecutionContext): boolean {
  const { method } = context.switchToHttp().getRequest<{ method: string }>();
  return method !== 'GET' && method !== 'HEAD';
}
