import type { Environment } from '../support/service-process.js';
import type { Server } from './servers.js';
import type { Stage } from './stage.js';

/** What the service is shipped with; the others are compared with it. */
export const SHIPPED = 'pool of 20';

const SETTINGS: Record<string, Environment> = {
  [SHIPPED]: {},
  'pool of 5': { DATABASE_POOL_SIZE: '5' },
  'pool of 10': { DATABASE_POOL_SIZE: '10' },
  'pool of 40': { DATABASE_POOL_SIZE: '40' },
};

/** The service, once with each way to be connected to its database. */
export async function startWithSettings(
  stage: Stage,
  url: string,
): Promise<Record<string, Server[]>> {
  const servers: Record<string, Server[]> = {};
  for (const [name, environment] of Object.entries(SETTINGS)) {
    servers[name] = [await stage.ours(url, 'off', name, environment)];
  }
  return servers;
}
