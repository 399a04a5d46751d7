import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BranchWorkload } from '../support/faults/branch-workload.js';
import { GaleraCluster } from '../support/faults/galera-cluster.js';
import {
  amount,
  NOTHING_WRONG,
  report,
  reportRuns,
} from '../support/faults/report.js';
import { NO_FAULTS } from '../support/faults/run-audit.js';
import { RunWorkload } from '../support/faults/run-workload.js';
import { Workload } from '../support/faults/workload.js';
import {
  type ServiceProcess,
  startService,
} from '../support/service-process.js';

const ROUNDS = amount(4, 1);
/** Kills beside runs; with those of runs.faults-spec.ts 200, and 20 in the short form. */
const KILLS = amount(50, 5);
const CLIENTS = 8;
/** Fewer than there are clients, so that writes wait. */
const POOL_SIZE = 4;
const RECOVERY_LIMIT_MS = 60_000;
const NODES = [0, 1, 2];

let cluster: GaleraCluster;
let service: ServiceProcess;

beforeAll(async () => {
  cluster = await GaleraCluster.start();
  await cluster.query(0, 'CREATE DATABASE chat');
  service = await start();
});

function start(): Promise<ServiceProcess> {
  return startService({
    DATABASE_URL: cluster.url('chat'),
    DATABASE_MIGRATE: 'true',
    DATABASE_POOL_SIZE: String(POOL_SIZE),
    REQUEST_DEADLINE_MS: '2000',
    DATABASE_CONNECT_TIMEOUT_MS: '1000',
  });
}

afterAll(async () => {
  await service?.stop();
  await cluster?.stop();
});

/** The name of a fault, how it begins, and how it ends. */
const FAULTS: [
  string,
  (node: number) => Promise<void> | void,
  (node: number) => Promise<void>,
][] = [
  ['killed', (node) => cluster.kill(node), (node) => cluster.rejoin(node)],
  ['paused', (node) => cluster.pause(node), (node) => cluster.resume(node)],
  ['stopped', (node) => cluster.leave(node), (node) => cluster.rejoin(node)],
];

/** Waits until 20 of 20 writes succeed: they may stall until a paused node is back in the cluster. */
async function recovery(workload: Workload): Promise<void> {
  const twentyOfTwenty = async () => {
    const statuses = await Promise.all(
      Array.from({ length: 20 }, () => workload.tryOnce()),
    );
    return statuses.every((status) => status === 201);
  };
  await expect
    .poll(twentyOfTwenty, { timeout: RECOVERY_LIMIT_MS, interval: 500 })
    .toBe(true);
}

/** Waits until all nodes have the same messages: a node that lags behind also reports that it is synced. */
async function agreement(): Promise<void> {
  const messages = (node: number) =>
    cluster.query(node, 'SELECT COUNT(*) AS messages FROM chat.chat_messages');
  const isTheSame = async () => {
    const [first, ...others] = await Promise.all(NODES.map(messages));
    return others.every((other) => isDeepStrictEqual(other, first));
  };
  await expect
    .poll(isTheSame, { timeout: RECOVERY_LIMIT_MS, interval: 500 })
    .toBe(true);
}

it.each(FAULTS)(
  'a cluster of three loses nothing when nodes are %s in turn',
  async (what, fault, end) => {
    const workload = new Workload(() => service.url);
    const branches = new BranchWorkload(() => service.url);
    await workload.createSessions(4);
    await branches.createSessions(2);
    const work = async () => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const node of NODES) {
          await sleep(1_000);
          await fault(node);
          await sleep(6_000);
          await end(node);
        }
      }
      await recovery(workload);
    };
    await workload.during(CLIENTS, () => branches.during(work));
    await cluster.heal();
    await agreement();
    const verdict = await workload.verify();
    const faults = ROUNDS * NODES.length;
    const changed = await branches.verify();
    report(`Galera, nodes ${what}`, faults, workload, verdict);
    report(`Galera, nodes ${what}, branches`, faults, branches, changed);
    expect(verdict).toMatchObject(NOTHING_WRONG);
    expect(changed).toMatchObject(NOTHING_WRONG);
    expect(changed.acks).toBeGreaterThan(faults);
  },
);

it('a cluster of three loses no acknowledged output when writers, service and nodes are killed', async () => {
  const workload = new RunWorkload(() => service.url);
  await workload.createSessions(6);
  await workload.during(async () => {
    for (let round = 0; round < KILLS; round++) {
      await sleep(500 + Math.random() * 1_500);
      const node = NODES[round % NODES.length]!;
      switch (round % 4) {
        case 0:
          await workload.killWriter();
          break;
        case 1:
          await service.process.stop('SIGKILL');
          service = await start();
          workload.followService();
          break;
        default:
          await cluster.kill(node);
          await sleep(4_000);
          await cluster.rejoin(node);
      }
    }
    await sleep(4_000);
  });
  await cluster.heal();
  await agreement();
  const verdict = await workload.verify();
  reportRuns('Galera, runs', KILLS, workload, verdict);
  expect(verdict).toMatchObject(NO_FAULTS);
  expect(verdict.acks).toBeGreaterThan(5 * KILLS);
});
