import { DatabaseConfig } from './app/config/config.js';
import { loadDatabaseConfig } from './app/config/load-config.js';
import { describeStore, openDataSource } from './app/database/data-source.js';
import { run } from './app/run.js';

await run(async () => {
  const config = loadDatabaseConfig();
  const dataSource = await openDataSource(
    Object.assign(new DatabaseConfig(), config, { DATABASE_MIGRATE: true }),
  );
  await dataSource.destroy();
  console.log(`The schema is up to date: ${describeStore(config)}`);
});
