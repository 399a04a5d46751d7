import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DataSource } from 'typeorm';
import { ChatSessionAnswers } from '../chat-sessions/sessions/cached-sessions.js';
import { HotReads } from '../chat-sessions/sessions/serve-from-cache.js';
import { splitList } from '../http/addresses.js';
import { corsOptions } from '../http/browsers.js';
import { Draining } from '../http/draining.js';
import { AllExceptionsFilter } from '../http/exception.filter.js';
import { createFastifyAdapter } from '../http/fastify.js';
import { RequestIdentity } from '../identity/request-identity.js';
import { RateLimitGuard } from '../rate-limit/rate-limit.guard.js';
import { AppModule } from './app.module.js';
import type { Config } from './config/config.js';
import { serveOpenApi } from './openapi/document.js';

/**
 * Makes the stand-alone application, which does not listen yet.
 * @param dataSource connected; the application closes it when it ends
 */
export async function createApp(
  config: Config,
  dataSource: DataSource,
  logger: LoggerService | false,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(config, dataSource),
    createFastifyAdapter({
      bodyLimit: config.BODY_LIMIT,
      trustedProxies: splitList(config.TRUSTED_PROXIES),
    }),
    {
      bodyParser: false,
      cors: corsOptions(splitList(config.CORS_ORIGINS)),
      logger,
      abortOnError: false,
    },
  );
  new HotReads(
    app.get(ChatSessionAnswers),
    app.get(RequestIdentity),
    app.get(RateLimitGuard),
    app.get(AllExceptionsFilter),
    app.get(Draining),
  ).watch(app.getHttpAdapter().getInstance());
  app.setGlobalPrefix('api', { exclude: ['health/live', 'health/ready'] });
  serveOpenApi(app);
  app.enableShutdownHooks([], { useProcessExit: true });
  return app;
}
