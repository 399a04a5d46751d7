import { lookup } from 'node:dns/promises';
import { Logger } from '@nestjs/common';
import { createApp } from './app/create-app.js';
import { loadConfig } from './app/config/load-config.js';
import { openDataSource } from './app/database/data-source.js';
import { durabilityWarnings } from './app/database/durability.js';
import { keepHeapSmall } from './app/heap.js';
import { createLogger } from './app/logger.js';
import { run } from './app/run.js';

const NO_IDENTITY =
  'AUTH_MODE is not set: every caller is the owner "local" and sees everything. Set AUTH_MODE=jwt or header before anyone else can reach this service.';

await run(async () => {
  const config = loadConfig();
  const dataSource = await openDataSource(config);
  const app = await createApp(
    config,
    dataSource,
    createLogger(config.LOG_LEVEL),
  );
  await app.init();
  const warnings = await durabilityWarnings(dataSource);
  // `localhost` may be two addresses: Fastify then has two servers, and its end waits for one.
  const { address } = await lookup(config.HOST, { order: 'ipv4first' });
  // Not app.listen(), which logs a failure that `run` is about to tell.
  const url = await app
    .getHttpAdapter()
    .getInstance()
    .listen({ port: config.PORT, host: address });
  keepHeapSmall();
  const logger = new Logger('Main');
  if (config.AUTH_MODE === '') warnings.push(NO_IDENTITY);
  for (const warning of warnings) logger.warn(warning);
  logger.log(`Listening on ${url}; Swagger UI at ${url}/api/docs`);
});
