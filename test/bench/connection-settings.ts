import type { Environment } from '../support/service-process.js';
import type { Server } from './servers.js';
import type { Stage } from './stage.js';

/** The default of the service, which the others are compared with. */
export const DEFAULT = 'pool of 20';

const SETTINGS: Record<string, Environment> = {
  [DEFAULT]: {},
  'pool of 5': { DATABASE_POOL_SIZE: '5' },
  'pool of 10': { DATABASE_POOL_SIZE: '10' },
  'pool of 40': { DATABASE_POOL_SIZE: '40' },
};

/** Starts the service once with each size of its pool. */
export async function startWithSettings(
  stage: Stage,
  url: string,
): Promise<Record<string, Server[]>> {
  const servers: Record<string, Server[]> = {};
  for (const [name, environment] of Object.entries(SETTINGS)) {
    servers[name] = [await stage.ours(url, 'off', { name, environment })];
  }
  return servers;
}
