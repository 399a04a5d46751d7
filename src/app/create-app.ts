import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DataSource } from 'typeorm';
import { parseAddresses, splitList } from '../http/addresses.js';
import { corsOptions } from '../http/browsers.js';
import { createFastifyAdapter } from '../http/fastify.js';
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
      trustedProxies: parseAddresses(config.TRUSTED_PROXIES),
    }),
    {
      bodyParser: false,
      cors: corsOptions(splitList(config.CORS_ORIGINS)),
      logger,
      abortOnError: false,
    },
  );
  app.setGlobalPrefix('api', { exclude: ['health/live', 'health/ready'] });
  serveOpenApi(app, config);
  app.enableShutdownHooks([], { useProcessExit: true });
  return app;
}
