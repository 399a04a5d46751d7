import { countFlaskMessages, takeBackFlask } from './flask-table.js';
import type { Request } from './load.js';
import type { Contender } from './scenario.js';
import { countMessages, takeBack } from './seed.js';
import type { Server } from './servers.js';
import type { BenchDatabase, Stage } from './stage.js';

/** Appends to some sessions, and to no others. */
export interface Appends {
  database: BenchDatabase;
  sessionIds: string[];
  requests: Request[];
}

/**
 * Begins every measurement with the sessions as seeded. Every append that was
 * acknowledged must be found in the tables.
 */
export async function appending(
  stage: Stage,
  name: string,
  servers: Server[],
  { database: { connection }, sessionIds, requests }: Appends,
  connections: number,
): Promise<Contender> {
  // What an earlier scenario left there would count as seeded.
  await takeBack(connection, sessionIds);
  const seeded = await countMessages(connection, sessionIds);
  return {
    name,
    servers,
    file: await stage.requestFile(requests),
    before: () => takeBack(connection, sessionIds),
    after: async (acknowledged) => {
      const stored = (await countMessages(connection, sessionIds)) - seeded;
      await connection.query('PURGE BINARY LOGS BEFORE NOW()');
      // Those under way when warm-up and measurement ended were not counted.
      const most = acknowledged + 2 * connections;
      if (stored < acknowledged || stored > most) {
        throw new Error(
          `${name}: ${acknowledged} appends were acknowledged, ${stored} are stored`,
        );
      }
    },
  };
}

/** As it is commonly written: appends that meet each other are lost, and counted. */
export async function appendingToFlask(
  stage: Stage,
  name: string,
  servers: Server[],
  { database: { connection }, sessionIds, requests }: Appends,
): Promise<Contender> {
  const seeded = await countFlaskMessages(connection, sessionIds);
  return {
    name,
    servers,
    file: await stage.requestFile(requests),
    before: () => takeBackFlask(connection, sessionIds),
    after: async (acknowledged) => {
      const stored =
        (await countFlaskMessages(connection, sessionIds)) - seeded;
      await connection.query('PURGE BINARY LOGS BEFORE NOW()');
      return { lost: Math.max(acknowledged - stored, 0) };
    },
  };
}
