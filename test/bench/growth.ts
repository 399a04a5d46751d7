import { appending } from './appends.js';
import type { Request } from './load.js';
import * as requests from './requests.js';
import type { Scenario } from './scenario.js';
import { dataBytes, type Group, seed, sessionIdOf, settle } from './seed.js';
import type { Server } from './servers.js';
import type { Sizes } from './sizes.js';
import type { BenchDatabase, Stage } from './stage.js';
import { shuffled } from './statistics.js';

/** One request at a time, since latencies are compared, not throughput. */
const CONNECTIONS = 1;
const SESSIONS_PER_OWNER = 100;
/** Owners whose sessions are requested: few enough that the service has their tokens in its cache after the warm-up. */
const OWNERS = 200;

/** One side of a comparison of little with much data. */
interface Side {
  name: string;
  server: Server;
  database: BenchDatabase;
  /** The sessions of the requests. */
  sessionIds: string[];
  reads: Request[];
  lists?: Request[];
  pages: Request[];
  appends: Request[];
}

export interface Seeding {
  sessions: number;
  seconds: number;
  /** The size of tables and indexes. */
  bytes: number;
}

/** Compares few with many sessions, each in a database of its own. */
export async function growthBySessions(
  stage: Stage,
  sizes: Sizes['sessions'],
  seeded: (seeding: Seeding) => void,
): Promise<Scenario[]> {
  const sides: Side[] = [];
  for (const [size, sessions] of Object.entries(sizes)) {
    const group = {
      name: size,
      digit: '6',
      sessions,
      owners: sessions / SESSIONS_PER_OWNER,
    };
    const database = await stage.database(`bench_${size}`);
    const start = performance.now();
    await seed(database.connection, group, stage.templates.few());
    const seconds = (performance.now() - start) / 1000;
    const bytes = await dataBytes(database.connection);
    seeded({ sessions, seconds, bytes });
    await settle(database.connection);
    const numbers = someSessions(group);
    sides.push({
      name: nameOf(sessions),
      server: await stage.ours(database.url, 'off'),
      database,
      sessionIds: numbers.map((n) => sessionIdOf(group, n)),
      reads: requests.reads(group, numbers),
      lists: requests.lists(group, numbers),
      pages: requests.newestPages(group, numbers),
      appends: requests.appends(group, stage.templates, numbers),
    });
  }
  return scenarios(stage, sides, { prefix: 'sessions', unit: 'sessions' });
}

/** Compares a short with a long session in one database. */
export async function growthByMessages(
  stage: Stage,
  sizes: Sizes['messages'],
): Promise<Scenario[]> {
  const database = await stage.database('bench_messages');
  const server = await stage.ours(database.url, 'off');
  const sides: Side[] = [];
  for (const [size, messages] of Object.entries(sizes)) {
    const digit = size === 'small' ? '7' : '8';
    const group = { name: size, digit, sessions: 1, owners: 1 };
    await seed(database.connection, group, stage.templates.long(messages));
    sides.push({
      name: nameOf(messages),
      server,
      database,
      sessionIds: [sessionIdOf(group, 0)],
      reads: requests.reads(group),
      pages: requests.pages(group, messages),
      appends: requests.appends(group, stage.templates),
    });
  }
  return scenarios(stage, sides, {
    prefix: 'messages',
    unit: 'messages in the session',
  });
}

/** The numbers of all sessions of some owners. */
function someSessions({ sessions, owners }: Group): number[] {
  const all = Array.from({ length: owners }, (_, owner) => owner);
  const some = shuffled(all).slice(0, OWNERS);
  return some.flatMap((owner) =>
    Array.from({ length: sessions / owners }, (_, i) => owner + i * owners),
  );
}

async function scenarios(
  stage: Stage,
  sides: Side[],
  { prefix, unit }: { prefix: 'sessions' | 'messages'; unit: string },
): Promise<Scenario[]> {
  const between = `${sides.map(({ name }) => name).join(' and ')} ${unit}`;
  const scenario = async (
    kind: 'reads' | 'lists' | 'pages',
    title: string,
  ) => ({
    name: `${prefix}-${kind}`,
    title: `${title}, ${between}`,
    connections: CONNECTIONS,
    contenders: await Promise.all(
      sides.map(async ({ name, server, [kind]: load }) => ({
        name,
        servers: [server],
        file: await stage.requestFile(load!),
      })),
    ),
  });
  const appends = [];
  for (const side of sides) {
    const { name, server, database, sessionIds, appends: load } = side;
    appends.push(
      await appending(
        stage,
        { name, servers: [server] },
        { database, sessionIds, requests: load, connections: CONNECTIONS },
      ),
    );
  }
  return [
    await scenario('reads', 'Read a session'),
    ...(sides[0]!.lists
      ? [await scenario('lists', 'List 20 of an owner’s 100 sessions')]
      : []),
    await scenario('pages', 'A page of up to 50 messages'),
    {
      name: `${prefix}-appends`,
      title: `Append a message, ${between}`,
      connections: CONNECTIONS,
      contenders: appends,
    },
  ];
}

function nameOf(size: number): string {
  return size.toLocaleString('en');
}
