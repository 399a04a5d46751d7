// The data source of the service, for TypeORM's command line: `npm run typeorm -- migration:show`.
import { loadDatabaseConfig } from './src/app/config/load-config.js';
import { createDataSource } from './src/app/database/data-source.js';

export default await createDataSource(loadDatabaseConfig());
