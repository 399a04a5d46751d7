import { Module } from '@nestjs/common';
import { ThrottlerStorage } from '@nestjs/throttler';
import { MemoryStorage } from './memory.storage.js';
import { RateLimitGuard } from './rate-limit.guard.js';
import {
  ConfigurableModuleClass,
  RATE_LIMITS,
  type RateLimits,
} from './rate-limit.module-definition.js';

/** Limits the requests of each caller: `RateLimitModule.forRoot({ reads, writes, owner })`. Exports `RateLimitGuard` and what it needs. */
@Module({
  providers: [
    {
      provide: ThrottlerStorage,
      inject: [RATE_LIMITS],
      useFactory: ({ storage }: RateLimits) => storage ?? new MemoryStorage(),
    },
    RateLimitGuard,
  ],
  exports: [RATE_LIMITS, ThrottlerStorage, RateLimitGuard],
})
export class RateLimitModule extends ConfigurableModuleClass {}
