import { ConfigurableModuleBuilder } from '@nestjs/common';

/** Requests that one caller may send within a minute; 0 is no limit. */
export interface RateLimits {
  readonly reads: number;
  readonly writes: number;
  /**
   * The id of the caller whose request it is. Without one it is counted by
   * address (IPv6 by its /64).
   */
  owner(
    this: void,
    request: object,
  ): string | null | undefined | Promise<string | null | undefined>;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: RATE_LIMITS } =
  new ConfigurableModuleBuilder<RateLimits>()
    .setClassMethodName('forRoot')
    .build();
