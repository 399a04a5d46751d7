import { parseArgs } from 'node:util';
import {
  configWarnings,
  loadDatabaseConfig,
} from './app/config/load-config.js';
import { describeStore, migrate } from './app/database/data-source.js';
import { run } from './app/run.js';

const USAGE = `Usage: npm run migration:run

Brings the schema of the database up to date. It takes no arguments: settings are
environment variables, or lines of a file .env. docs/configuration.md lists them.`;

await run(USAGE, async () => {
  // Refuses arguments.
  parseArgs({});
  const config = loadDatabaseConfig();
  for (const warning of configWarnings()) {
    console.error(`Chat Sessions: ${warning}`);
  }
  const names = await migrate(config);
  for (const name of names) console.log(`Ran the migration ${name}`);
  if (names.length === 0) console.log('No migration was pending');
  console.log(`The schema is up to date: ${describeStore(config)}`);
});
