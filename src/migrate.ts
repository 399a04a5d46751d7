import { loadDatabaseConfig } from './config/load-config.js';
import { openDataSource } from './database/data-source.js';
import { run } from './run.js';

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
