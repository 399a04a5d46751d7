import { Module } from '@nestjs/common';
import { RateLimitGuard } from './rate-limit.guard.js';
import { ConfigurableModuleClass, RATE_LIMITS } from './rate-limits.js';

/** The limits and their guard: `RateLimitModule.forRoot({ reads, writes, owner })`. */
@Module({ providers: [RateLimitGuard], exports: [RATE_LIMITS, RateLimitGuard] })
export class RateLimitModule extends ConfigurableModuleClass {}
