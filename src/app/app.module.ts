import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { IncomingMessage } from 'node:http';
import type { DataSource } from 'typeorm';
import { ChatSessionsModule } from '../chat-sessions/chat-sessions.module.js';
import { ChatSessionsExceptionsFilter } from '../http/exception.filter.js';
import { LargeBodies } from '../http/large-bodies.js';
import type { HttpRequest } from '../http/request.js';
import { ServerModule } from '../http/server.module.js';
import { IdentityGuard } from '../identity/identity.guard.js';
import { IdentityModule } from '../identity/identity.module.js';
import { ownerOf, RequestIdentity } from '../identity/request-identity.js';
import { RateLimitGuard } from '../rate-limit/rate-limit.guard.js';
import { RateLimitModule } from '../rate-limit/rate-limit.module.js';
import type { Config } from './config/config.js';
import { createIdentityProvider } from './config/create-identity-provider.js';
import { HealthModule } from './health/health.module.js';

/** Milliseconds that readiness waits for the store; longer if the store is far away. */
const CHECK_TIMEOUT_MS = 500;

/** The stand-alone service: the module, with what any application adds to it. */
@Module({})
export class AppModule {
  /** @param dataSource connected; the application closes it when it ends */
  static forRoot(config: Config, dataSource: DataSource): DynamicModule {
    const identityModule = IdentityModule.forRoot({
      provider: createIdentityProvider(config),
    });
    const rateLimit = RateLimitModule.forRootAsync({
      imports: [identityModule],
      inject: [RequestIdentity],
      useFactory: (identity: RequestIdentity) => ({
        reads: config.RATE_LIMIT,
        writes: config.RATE_LIMIT_WRITES,
        outputs: config.RATE_LIMIT_OUTPUTS,
        owner: (request: HttpRequest) => identity.findOwner(request),
      }),
    });
    const chatSessions = ChatSessionsModule.forRootAsync({
      imports: [identityModule, rateLimit],
      swagger: { security: 'bearer' },
      inject: [RequestIdentity, RateLimitGuard],
      useFactory: (identity: RequestIdentity, limits: RateLimitGuard) => ({
        owner: ownerOf,
        admitRead: async (request: IncomingMessage) => {
          const ownerId = await identity.findOwner(request);
          const headers = ownerId && (await limits.countRead(ownerId));
          // Not admitted: the route answers 401 or 429.
          if (!headers) return undefined;
          return { ownerId, headers, vary: identity.vary };
        },
        deadlineMs: config.REQUEST_DEADLINE_MS,
        cache: config.CACHE || undefined,
        cacheMaxMb: config.CACHE_MAX_MB,
        idempotencyTtl: config.IDEMPOTENCY_TTL,
        removalGrace: config.REMOVAL_GRACE,
      }),
    });
    const server = ServerModule.forRoot({
      drainMs: config.DRAIN_MS,
      imports: [chatSessions],
    });
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => dataSource.options,
          dataSourceFactory: () => Promise.resolve(dataSource),
        }),
        identityModule,
        rateLimit,
        chatSessions,
        server,
        HealthModule.forRoot({
          checkTimeoutMs: Math.max(
            CHECK_TIMEOUT_MS,
            config.DATABASE_CONNECT_TIMEOUT_MS / 2,
          ),
          imports: [chatSessions, server],
        }),
      ],
      providers: [
        {
          provide: LargeBodies,
          inject: [HttpAdapterHost, RequestIdentity],
          useFactory: (
            { httpAdapter }: HttpAdapterHost<FastifyAdapter>,
            identity: RequestIdentity,
          ) =>
            new LargeBodies(
              httpAdapter.getInstance(),
              async (request) =>
                (await identity.findOwner(request)) !== undefined,
            ),
        },
        ChatSessionsExceptionsFilter,
        { provide: APP_FILTER, useExisting: ChatSessionsExceptionsFilter },
        // In this order, so that requests without an identity are counted too.
        { provide: APP_GUARD, useExisting: RateLimitGuard },
        { provide: APP_GUARD, useExisting: IdentityGuard },
      ],
    };
  }
}
