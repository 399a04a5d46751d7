import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  InjectThrottlerOptions,
  InjectThrottlerStorage,
  ThrottlerGuard,
  type ThrottlerModuleOptions,
  type ThrottlerStorage,
} from '@nestjs/throttler';
import { type HttpRequest, Identities } from '../identity/identities.js';
import { isPublic } from '../identity/public.decorator.js';
import { WINDOW_MS } from './memory.storage.js';
import { isWrite, type LimitOf } from './throttler-options.js';

/**
 * Counts the requests of an owner over all routes, reads and writes apart. Who
 * is not identified is counted by address (IPv6 by its /64), before the refusal.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() storage: ThrottlerStorage,
    reflector: Reflector,
    private readonly identities: Identities,
  ) {
    super(options, storage, reflector);
  }

  /** Without a look for the throttler's own decorators, which no route has: it takes longer than the counting. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(this.reflector, context)) return true;
    const throttler = this.throttlers[0]!;
    const limit = (throttler.limit as LimitOf)(context);
    if (limit === 0) return true;
    const { getTracker, generateKey } = this.commonOptions;
    return this.handleRequest({
      context,
      limit,
      ttl: WINDOW_MS,
      blockDuration: WINDOW_MS,
      throttler,
      getTracker: getTracker!,
      generateKey: generateKey!,
    });
  }

  protected override async getTracker(request: HttpRequest): Promise<string> {
    const identity = await this.identities.of(request);
    return typeof identity === 'string'
      ? `owner ${identity}`
      : `address ${await super.getTracker(request)}`;
  }

  protected override generateKey(
    context: ExecutionContext,
    tracker: string,
  ): string {
    return `${isWrite(context) ? 'writes' : 'reads'} of ${tracker}`;
  }
}
