import type { IncomingMessage } from 'node:http';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import type { Config } from './config/config.js';
import {
  type HttpRequest,
  Identities,
  IdentityGuard,
  IdentityModule,
  ownerOf,
  RateLimitGuard,
  RateLimitModule,
} from '../guards.js';
import { HealthModule } from './health/health.module.js';
import { createIdentifier } from './config/create-identity-provider.js';
import { ChatSessionsExceptionsFilter, ChatSessionsModule } from '../index.js';

/** The stand-alone service: the module, with what any application could have. */
@Module({})
export class AppModule {
  /** @param dataSource connected; the application closes it at its own end. */
  static with(config: Config, dataSource: DataSource): DynamicModule {
    const identity = IdentityModule.forRoot({
      identifier: createIdentifier(config),
    });
    const rateLimit = RateLimitModule.forRootAsync({
      imports: [identity],
      inject: [Identities],
      useFactory: (identities: Identities) => ({
        reads: config.RATE_LIMIT,
        writes: config.RATE_LIMIT_WRITES,
        owner: (request: HttpRequest) => identities.find(request),
      }),
    });
    const chatSessions = ChatSessionsModule.forRootAsync({
      imports: [identity, rateLimit],
      inject: [Identities, RateLimitGuard],
      useFactory: (identities: Identities, limits: RateLimitGuard) => ({
        owner: ownerOf,
        admitRead: async (request: IncomingMessage) => {
          const ownerId = await identities.find(request);
          const headers = ownerId && (await limits.countRead(ownerId));
          // Not admitted: the route answers 401 or 429.
          if (!headers) return undefined;
          return { ownerId, headers: { ...headers, ...identities.vary } };
        },
        deadlineMs: config.REQUEST_DEADLINE_MS,
        cache: config.CACHE || undefined,
        cacheMaxMb: config.CACHE_MAX_MB,
        idempotencyTtl: config.IDEMPOTENCY_TTL,
      }),
    });
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => dataSource.options,
          dataSourceFactory: () => Promise.resolve(dataSource),
        }),
        identity,
        rateLimit,
        chatSessions,
        // The last: then what it does at the end comes first, and it is not ready at once.
        HealthModule.with(config, chatSessions),
      ],
      providers: [
        ChatSessionsExceptionsFilter,
        { provide: APP_FILTER, useExisting: ChatSessionsExceptionsFilter },
        // In this order: who is refused is counted, too.
        { provide: APP_GUARD, useExisting: RateLimitGuard },
        { provide: APP_GUARD, useClass: IdentityGuard },
      ],
    };
  }
}
