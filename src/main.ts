import { Logger } from '@nestjs/common';
import { lookup } from 'node:dns/promises';
import { parseArgs } from 'node:util';
import { configWarnings, loadConfig } from './app/config/load-config.js';
import { createApp } from './app/create-app.js';
import { describeStore, openDataSource } from './app/database/data-source.js';
import { serverWarnings } from './app/database/server-warnings.js';
import { createLogger } from './app/logger.js';
import { run } from './app/run.js';
import { Database } from './database/database.js';
import { reasonOf } from './errors/describe-error.js';

const NO_IDENTITY =
  'AUTH_MODE is not set: every caller is the owner "local" and sees everything. Set AUTH_MODE=jwt or header before anyone else can reach this service.';

const USAGE = `Usage: npm start
       npm run start:prod

Starts the service. It takes no arguments: settings are environment variables,
or lines of a file .env. docs/configuration.md lists them.`;

await run(USAGE, async () => {
  // Refuses arguments.
  parseArgs({});
  const config = loadConfig();
  const dataSource = await openDataSource(config);
  const app = await createApp(
    config,
    dataSource,
    createLogger(config.LOG_LEVEL),
  );
  await app.init();
  const warnings = [
    ...configWarnings(),
    ...(await serverWarnings(app.get(Database, { strict: false }), config)),
  ];
  // `localhost` may have two addresses. Fastify would then make two servers, and
  // wait for only one of them when it closes.
  const { address } = await lookup(config.HOST, { order: 'ipv4first' });
  // app.listen() would log a failure that `run` reports.
  const url = await app
    .getHttpAdapter()
    .getInstance()
    .listen({ port: config.PORT, host: address })
    .catch((cause: unknown) => {
      throw new Error(
        `Cannot listen on HOST=${config.HOST}, PORT=${config.PORT}: ${reasonOf(cause)}`,
        { cause },
      );
    });
  const logger = new Logger('Main');
  logger.log(`Store: ${describeStore(config)}`);
  if (config.AUTH_MODE === '') warnings.push(NO_IDENTITY);
  for (const warning of warnings) logger.warn(warning);
  logger.log(`Listening on ${url}; Swagger UI at ${url}/api/docs`);
});
