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
import { isWrite } from './throttler-options.js';

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

  protected override async shouldSkip(
    context: ExecutionContext,
  ): Promise<boolean> {
    return isPublic(this.reflector, context);
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
