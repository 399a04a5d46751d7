import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';

export interface RateLimits {
  /** GET and HEAD requests that a caller may send in a minute; 0 is no limit. */
  readonly reads: number;
  /** Other requests that a caller may send in a minute; 0 is no limit. */
  readonly writes: number;
  /**
   * Returns the id of the caller. Requests without one are counted by address
   * (IPv6 by its /64).
   */
  owner(
    this: void,
    request: object,
  ): string | null | undefined | Promise<string | null | undefined>;
  /** Storage of the counts; by default the memory of this process. */
  readonly storage?: ThrottlerStorage;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: RATE_LIMITS } =
  new ConfigurableModuleBuilder<RateLimits>()
    .setClassMethodName('forRoot')
    .build();
