import { writeFile } from 'node:fs/promises';
import { parseConfig } from '../config/parse-config.js';
import { createApp } from '../create-app.js';
import { openDataSource } from '../database/data-source.js';
import { createOpenApiDocument } from './document.js';

// Writes openapi.json. The application needs a store, so it gets one in memory.
const config = parseConfig({ DATABASE_URL: 'sqlite::memory:' });
const app = await createApp(config, await openDataSource(config), false);
const document = createOpenApiDocument(app);
await app.close();
await writeFile('openapi.json', `${JSON.stringify(document, null, 2)}\n`);
