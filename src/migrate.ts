import { loadDatabaseConfig } from './app/config/load-config.js';
import { openDataSource } from './app/database/data-source.js';
import { run } from './app/run.js';

await run(async () => {
  const { DATABASE_URL, DATABASE_POOL_SIZE } = loadDatabaseConfig();
  const dataSource = await openDataSource({
    DATABASE_URL,
    DATABASE_POOL_SIZE,
    DATABASE_MIGRATE: true,
  });
  await dataSource.destroy();
  console.log('The schema is up to date.');
});
