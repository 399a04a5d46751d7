import { countFlaskMessages, takeBackFlask } from './flask-table.js';
import type { Request } from './load.js';
import type { Contender } from './scenario.js';
import { countMessages, takeBack } from './seed.js';
import type { Server } from './servers.js';
import type { BenchDatabase, Stage } from './stage.js';

/** Appends to these sessions only. */
export interface Appends {
  database: BenchDatabase;
  sessionIds: string[];
  requests: Request[];
}

interface Appender {
  name: string;
  servers: Server[];
}

/**
 * A contender that appends. Each measurement begins with the sessions as seeded.
 * Afterwards the tables must contain each acknowledged append.
 *
 * @param connections of the load
 */
export async function appending(
  stage: Stage,
  { name, servers }: Appender,
  {
    database: { connection },
    sessionIds,
    requests,
    connections,
  }: Appends & { connections: number },
): Promise<Contender> {
  // Messages of an earlier scenario would count as seeded.
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
      // wrk does not count the requests in flight at the end of warm-up and measurement.
      const most = acknowledged + 2 * connections;
      if (stored < acknowledged || stored > most) {
        throw new Error(
          `${name}: ${acknowledged} appends were acknowledged, ${stored} are stored`,
        );
      }
    },
  };
}

/** The same for Flask. It loses appends that run at the same time; they are counted. */
export async function appendingToFlask(
  stage: Stage,
  { name, servers }: Appender,
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
