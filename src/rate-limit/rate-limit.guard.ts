import { type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerStorage } from '@nestjs/throttler';
import { forwardedAddress } from '../http/addresses.js';
import { type RequestKind, requestKindOf } from '../http/request-kind.js';
import { TOO_MANY_REQUESTS } from '../http/route-errors.js';
import { isPublic } from '../identity/public.decorator.js';
import { WINDOW_MS } from './memory.storage.js';
import {
  DEFAULT_OUTPUTS,
  RATE_LIMITS,
  type RateLimits,
} from './rate-limit.module-definition.js';

/**
 * Counts the requests of a caller over all routes, reads, writes and outputs of
 * runs apart, and answers 429 over the limit. Routes that are `@Public()` are not counted.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    @Inject(RATE_LIMITS) private readonly limits: RateLimits,
    @Inject(ThrottlerStorage) storage: ThrottlerStorage,
    @Inject(Reflector) reflector: Reflector,
  ) {
    const throttlers = [{ ttl: WINDOW_MS, limit: 0 }];
    const options = { throttlers, errorMessage: TOO_MANY_REQUESTS };
    super(options, limitWaits(storage), reflector);
  }

  /** The limit depends on the method, and the throttler's own decorators have no effect. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(this.reflector, context)) return true;
    const limit = this.limits[requestKindOf(context)] ?? DEFAULT_OUTPUTS;
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

  /**
   * Counts a read that is answered before its route. Returns the headers that
   * report the limit, or undefined if the read is over the limit.
   */
  async countRead(owner: string): Promise<Record<string, string> | undefined> {
    const { reads } = this.limits;
    if (reads === 0) return {};
    const { totalHits, timeToExpire, isBlocked } =
      await this.storageService.increment(
        counterKey('reads', ownerTracker(owner)),
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

  protected override async getTracker(request: {
    /** Undefined on a Unix socket. */
    ip?: string;
  }): Promise<string> {
    const owner = await this.limits.owner(request);
    if (owner) return ownerTracker(owner);
    // All callers whose proxy names no address are counted as one.
    const ip = forwardedAddress(request.ip ?? '') ?? 'unknown';
    return `address ${await super.getTracker({ ip })}`;
  }

  protected override generateKey(
    context: ExecutionContext,
    tracker: string,
  ): string {
    return counterKey(requestKindOf(context), tracker);
  }
}

/** Nobody is told to wait for longer than the window, which a storage may do if a clock was set back. */
function limitWaits(storage: ThrottlerStorage): ThrottlerStorage {
  const seconds = (given: number) =>
    Math.min(Math.max(given, 0), WINDOW_MS / 1000);
  return {
    async increment(...args) {
      const counted = await storage.increment(...args);
      return {
        ...counted,
        timeToExpire: seconds(counted.timeToExpire),
        timeToBlockExpire: seconds(counted.timeToBlockExpire),
      };
    },
  };
}

function ownerTracker(owner: string): string {
  return `owner ${owner}`;
}

function counterKey(kind: RequestKind, tracker: string): string {
  return `${kind} of ${tracker}`;
}
