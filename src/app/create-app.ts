import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DataSource } from 'typeorm';
import { AppModule } from './app.module.js';
import type { Config } from './config/config.js';
import { configureForBrowsers } from '../http/browsers.js';
import { Draining } from '../http/draining.js';
import { configureFastify, createFastifyAdapter } from '../http/fastify.js';
import { serveOpenApi } from './openapi/document.js';

/** The stand-alone application, not listening yet. */
export async function createApp(
  config: Config,
  dataSource: DataSource,
  logger: LoggerService | false,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config, dataSource),
    createFastifyAdapter(config),
    { bodyParser: false, logger, abortOnError: false },
  );
  configureForBrowsers(app, config);
  const server = app.getHttpAdapter().getInstance();
  configureFastify(server);
  const draining = app.get(Draining);
  draining.watch(server);
  app.setGlobalPrefix('api', { exclude: ['health/live', 'health/ready'] });
  serveOpenApi(app);
  app.enableShutdownHooks([], { useProcessExit: true });
  return app;
}
