import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DataSource } from 'typeorm';
import { AppModule } from './app.module.js';
import { configureFastify, createFastifyAdapter } from './http/fastify.js';
import { serveOpenApi } from './openapi/document.js';

export interface AppSettings {
  /** Bytes of a request body. */
  readonly BODY_LIMIT: number;
}

/** The stand-alone application, not listening yet. */
export async function createApp(
  settings: AppSettings,
  dataSource: DataSource,
  logger: LoggerService | false,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.on(dataSource),
    createFastifyAdapter(settings.BODY_LIMIT),
    { bodyParser: false, logger, abortOnError: false },
  );
  configureFastify(app.getHttpAdapter().getInstance());
  app.setGlobalPrefix('api', { exclude: ['health/live', 'health/ready'] });
  serveOpenApi(app);
  app.enableShutdownHooks([], { useProcessExit: true });
  return app;
}
