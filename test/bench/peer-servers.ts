import { BEFORE } from './results.js';
import {
  type Cache,
  type Server,
  startBare,
  startFlask,
  startNestDefault,
} from './servers.js';
import type { BenchDatabase, Stage } from './stage.js';

/** Processes of the service and of `bare`, since processes of the same code differ in speed. */
const PROCESSES = 5;

export const CACHES: Cache[] = ['off', 'validated', 'exclusive'];

/** The service and its peers on one database, started when they are needed. */
export class PeerServers {
  /** @param before the checkout of the version before, if the run compares with it */
  constructor(
    readonly stage: Stage,
    readonly database: BenchDatabase,
    private readonly before: string | undefined,
  ) {}

  /** The service with each of these caches, and the version before it, if there is one. */
  async versions(...caches: Cache[]): Promise<Record<string, Server[]>> {
    const servers: Record<string, Server[]> = {};
    for (const cache of caches) {
      servers[cache] = await this.ours(cache);
      if (!this.before) continue;
      servers[BEFORE + cache] = await this.ours(cache, this.before);
    }
    return servers;
  }

  /** The servers that use the service's tables. */
  async onTheTables(): Promise<Record<string, Server[]>> {
    return {
      ...(await this.versions('validated')),
      bare: await this.bare(),
      'nest-default': await this.nestDefault(),
    };
  }

  bare(): Promise<Server[]> {
    return processes((n) =>
      this.stage.server(`bare ${n}`, () => startBare(this.database.url)),
    );
  }

  async nestDefault(): Promise<Server[]> {
    const start = () => startNestDefault(this.database.url);
    return [await this.stage.server('nest-default', start)];
  }

  async flask(): Promise<Server[]> {
    return [
      await this.stage.server('flask', () => startFlask(this.database.url)),
    ];
  }

  /** @param root the checkout whose build is started; this one by default */
  ours(cache: Cache, root?: string): Promise<Server[]> {
    const { url } = this.database;
    return processes((n) =>
      this.stage.ours(url, cache, { name: `process ${n}`, root }),
    );
  }
}

/** Starts them one after the other, since a start uses the whole machine. */
async function processes(
  start: (n: number) => Promise<Server>,
): Promise<Server[]> {
  const started: Server[] = [];
  for (let n = 1; n <= PROCESSES; n++) started.push(await start(n));
  return started;
}
