import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';

export interface RateLimits {
  /** GET and HEAD requests that a caller may send in a minute; 0 is no limit. */
  readonly reads: number;
  /** Other requests that a caller may send in a minute; 0 is no limit. */
  readonly writes: number;
  /** Outputs and other changes of runs that a caller may send in a minute, which do not count as writes; 0 is no limit. By default 1,200: five answers at a time, each with four outputs a second. */
  readonly outputs?: number;
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

export const DEFAULT_OUTPUTS = 1_200;

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: RATE_LIMITS } =
  new ConfigurableModuleBuilder<RateLimits>()
    .setClassMethodName('forRoot')
    .build();
