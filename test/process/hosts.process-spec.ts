import {
  describeHost,
  hostDirectory,
} from '../support/embedding/host-tests.js';
import { type Host, installHost } from '../support/embedding/hosts.js';
import { perStore } from '../support/stores.js';

// One host for each store; `npm run test:matrix` runs all of them. Nest 12 on
// both adapters is in embedding.process-spec.ts.
const host = perStore<Host>({
  sqlite: {
    nest: 10,
    adapter: 'express',
    typeorm: '0.3',
    store: 'sqlite',
    format: 'commonjs',
  },
  mysql: {
    nest: 11,
    adapter: 'fastify',
    typeorm: '1',
    store: 'mysql',
    format: 'commonjs',
  },
});

const directory = hostDirectory();

describeHost(host, async () => {
  await installHost(directory, host);
  return directory;
});
