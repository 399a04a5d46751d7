import { ConfigurableModuleBuilder, Module } from '@nestjs/common';

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

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } =
  new ConfigurableModuleBuilder<RateLimits>()
    .setClassMethodName('forRoot')
    .build();

export const RATE_LIMITS = MODULE_OPTIONS_TOKEN;

/** What `RateLimitGuard` goes by: `RateLimitModule.forRoot({ reads, writes, owner })`. */
@Module({ exports: [RATE_LIMITS] })
export class RateLimitModule extends ConfigurableModuleClass {}
