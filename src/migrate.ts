import { parseArgs } from 'node:util';
import { DatabaseConfig } from './app/config/config.js';
import { loadDatabaseConfig } from './app/config/load-config.js';
import { describeStore, openDataSource } from './app/database/data-source.js';
import { run } from './app/run.js';

const USAGE = `Usage: npm run migration:run

Brings the schema of the database up to date. It takes no arguments: settings are
environment variables, or lines of a file .env. docs/configuration.md lists them.`;

await run(USAGE, async () => {
  // Refuses arguments.
  parseArgs({});
  const config = loadDatabaseConfig();
  const dataSource = await openDataSource(
    Object.assign(new DatabaseConfig(), config, { DATABASE_MIGRATE: true }),
  );
  await dataSource.destroy();
  console.log(`The schema is up to date: ${describeStore(config)}`);
});
