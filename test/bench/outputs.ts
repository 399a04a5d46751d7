import { inParallel } from '../support/parallel.js';
import { Connection } from './connection.js';
import type { Measurement } from './load.js';
import { pathsOf } from './requests.js';
import { RunWriter } from './run-writer.js';
import {
  type Pace,
  type Round,
  type ScenarioResult,
  settled,
  timesOf,
} from './scenario.js';
import {
  countMessages,
  type Group,
  ownerOf,
  seed,
  sessionIdsOf,
  settle,
  takeBack,
} from './seed.js';
import type { Server } from './servers.js';
import type { BenchDatabase, Stage } from './stage.js';
import { quantile, shuffled } from './statistics.js';

const CONNECTIONS = 32;
const size = { sessions: CONNECTIONS, owners: CONNECTIONS };
const WRITTEN: Group = { name: 'outputs', digit: 'c', ...size };
const APPENDED: Group = { name: 'appends', digit: 'd', ...size };

interface Place {
  stage: Stage;
  database: BenchDatabase;
  server: Server;
  /** Texts of 20 words. */
  pieces: string[];
}

/** Sends one text. */
type Send = (text: string) => Promise<unknown>;

/** A way to store texts, with a session for each connection. */
interface Contender {
  name: string;
  /** Makes the senders, one for each connection. */
  begin: () => Promise<Send[]>;
  /** Checks that all texts are stored. */
  end: (sent: number) => Promise<void>;
}

/** Compares outputs with appends of the same texts, in one process, each connection in a session of its own. */
export async function compareWithAppends(
  place: Place,
  pace: Pace,
): Promise<ScenarioResult> {
  const { stage, database, server, pieces } = place;
  const { connection } = database;
  for (const group of [WRITTEN, APPENDED]) {
    await seed(connection, group, stage.templates.usual());
    await stage.signOwnersOf(group);
  }
  await settle(connection);
  const clients = new Map<Group, Connection[]>();
  for (const group of [WRITTEN, APPENDED]) {
    const open = (n: number) =>
      Connection.open(server.url, stage.tokens.get(ownerOf(group, n))!);
    clients.set(group, await inParallel(CONNECTIONS, open));
  }
  const contenders = [
    outputs(clients.get(WRITTEN)!),
    appends(clients.get(APPENDED)!, database),
  ];
  const pids = [server.pid, stage.databasePid];
  const rounds: ScenarioResult['rounds'] = { output: [], append: [] };
  try {
    for (let round = 0; round < pace.rounds; round++) {
      for (const { name, begin, end } of shuffled(contenders)) {
        const senders = await begin();
        const { requests, seconds } =
          round === 0
            ? pace.firstWarmUp
            : { requests: Infinity, seconds: pace.warmUpSeconds };
        const warmUp = await load(senders, pieces, { seconds, requests });
        await settled(pids);
        const before = await timesOf(pids);
        const { seconds: measuredSeconds } = pace;
        const measured = await load(senders, pieces, {
          seconds: measuredSeconds,
        });
        const [serverMs, databaseMs] = (await timesOf(pids)).map(
          (time, index) => (time - before[index]!) / measured.requests,
        ) as [number, number];
        await end(warmUp.requests + measured.requests);
        await connection.query('PURGE BINARY LOGS BEFORE NOW()');
        await settled(pids);
        const result: Round = { ...measured, serverMs, databaseMs };
        rounds[name]!.push(result);
      }
    }
  } finally {
    for (const client of [...clients.values()].flat()) client.close();
  }
  return {
    name: 'outputs',
    title: 'An output of 20 words, or an append of the same text',
    connections: CONNECTIONS,
    reference: 'append',
    rounds,
  };
}

function outputs(clients: Connection[]): Contender {
  const paths = pathsOf(WRITTEN);
  let writers: RunWriter[] = [];
  return {
    name: 'output',
    begin: async () => {
      writers = await inParallel(CONNECTIONS, (n) =>
        RunWriter.start(clients[n]!, paths[n]!),
      );
      return writers.map((writer) => (text) => writer.output(text));
    },
    end: async () => {
      for (const writer of writers) await writer.finish();
    },
  };
}

/** Like the appends of the part `append`, each has an id: it can be sent again, as an output can. */
function appends(
  clients: Connection[],
  { connection }: BenchDatabase,
): Contender {
  const paths = pathsOf(APPENDED);
  const ids = sessionIdsOf(APPENDED);
  let seeded = 0;
  let sent = 0;
  return {
    name: 'append',
    begin: async () => {
      await takeBack(connection, ids);
      seeded = await countMessages(connection, ids);
      return clients.map((client, n) => (text) => {
        const id = `bench-${++sent}`;
        const message = { id, role: 'assistant', content: text };
        return client.post(`${paths[n]!}/messages`, message, 201);
      });
    },
    end: async (acknowledged) => {
      const stored = (await countMessages(connection, ids)) - seeded;
      if (stored === acknowledged) return;
      throw new Error(
        `${acknowledged} appends were acknowledged, ${stored} are stored`,
      );
    },
  };
}

/** All senders send one text after the other, until the time or the number of requests is over. */
async function load(
  senders: Send[],
  pieces: string[],
  { seconds, requests = Infinity }: { seconds: number; requests?: number },
): Promise<Measurement> {
  const start = performance.now();
  const end = start + seconds * 1000;
  const latencies: number[] = [];
  await inParallel(senders.length, async (n) => {
    for (let count = 0; ; count++) {
      const sentAt = performance.now();
      if (sentAt >= end || latencies.length >= requests) return;
      await senders[n]!(pieces[(n + count) % pieces.length]!);
      latencies.push(1000 * (performance.now() - sentAt));
    }
  });
  const took = (performance.now() - start) / 1000;
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    requests: sorted.length,
    rate: sorted.length / took,
    p50: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1)!,
  };
}
