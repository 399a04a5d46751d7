import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { ChatSessionsModule } from './chat-sessions/chat-sessions.module.js';
import type { Config } from './config/config.js';
import { DatabaseModule } from './database/database.module.js';
import { HealthModule } from './health/health.module.js';
import { AllExceptionsFilter } from './http/exception.filter.js';
import { IdentityGuard } from './identity/identity.guard.js';
import { IdentityModule } from './identity/identity.module.js';
import { RateLimitGuard } from './rate-limit/rate-limit.guard.js';
import { throttlerOptions } from './rate-limit/throttler-options.js';

/** The stand-alone service. */
@Module({})
export class AppModule {
  /** @param dataSource connected; the application closes it at its own end. */
  static with(config: Config, dataSource: DataSource): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => dataSource.options,
          dataSourceFactory: () => Promise.resolve(dataSource),
        }),
        DatabaseModule.with(config.REQUEST_DEADLINE_MS),
        IdentityModule.with(config),
        ThrottlerModule.forRoot(throttlerOptions(config)),
        ChatSessionsModule.with(config),
        // The last: then what it does at the end comes first, and it is not ready at once.
        HealthModule.with(config),
      ],
      providers: [
        { provide: APP_FILTER, useClass: AllExceptionsFilter },
        // In this order: who is refused is counted, too.
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_GUARD, useClass: IdentityGuard },
      ],
    };
  }
}
