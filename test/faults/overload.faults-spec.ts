import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { amount, NOTHING_WRONG, report } from '../support/faults/report.js';
import { TcpProxy } from '../support/faults/tcp-proxy.js';
import { Workload } from '../support/faults/workload.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import type { Environment } from '../support/service-process.js';
import { startTestService } from '../support/test-service.js';

const SECONDS = amount(60, 10);
const POOL_SIZE = 5;
/** The service keeps one connection for readiness checks. */
const FREE_CONNECTIONS = POOL_SIZE - 1;
const DEADLINE_MS = 2_000;
const MIB = 1024 * 1024;

let server: MysqlServer;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await startMysqlServer({ durable: true });
  proxy = await TcpProxy.before(server.port);
  // A slow network makes the database the bottleneck, so that the test can send
  // ten times what it can take.
  proxy.inject({ kind: 'latency', milliseconds: 10 });
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
});

async function start(environment: Environment) {
  const { pathname } = new URL((await createMysqlDatabase(server.url)).url);
  const service = await startTestService({
    DATABASE_URL: `mysql://root@127.0.0.1:${proxy.port}${pathname}`,
    DATABASE_MIGRATE: 'true',
    DATABASE_POOL_SIZE: String(POOL_SIZE),
    REQUEST_DEADLINE_MS: String(DEADLINE_MS),
    ...environment,
  });
  const workload = new Workload(() => service.url);
  await workload.createSessions(8);
  return { service, workload };
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(status) ?? [];
  return Math.round((Number(kilobytes) * 1024) / MIB);
}

/** Sends requests at a constant rate, without waiting for responses. Resolves to the statuses. */
async function flood(workload: Workload, perSecond: number, seconds: number) {
  const statuses: Promise<number>[] = [];
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    const due = ((performance.now() - start) / 1000) * perSecond;
    while (statuses.length < due) statuses.push(workload.tryOnce());
    await sleep(10);
  }
  return Promise.all(statuses);
}

it('sheds ten times the load that it can take, and recovers at once', async () => {
  const { service, workload } = await start({});
  const seconds = 5;
  await workload.during(16, () => sleep(seconds * 1000));
  const capacity = workload.appends / seconds;

  await flood(workload, 10 * capacity, 3);
  const before = residentMegabytes(service.process.pid);
  const statuses = await flood(workload, 10 * capacity, SECONDS);
  const after = residentMegabytes(service.process.pid);
  const afterwards = await workload.tryEach(20, FREE_CONNECTIONS);
  const verdict = await workload.verify();
  report('overload', statuses.length, workload, verdict);
  process.stdout.write(
    `overload: capacity ${Math.round(capacity)}/s, sent ${Math.round(10 * capacity)}/s for ${SECONDS} s, memory ${before} MiB before and ${after} MiB after\n`,
  );
  // A request without a response would have the status 0.
  expect(new Set(statuses)).toEqual(new Set([201, 503]));
  expect(workload.withoutRetryAfter).toBe(0);
  expect(after).toBeLessThan(before + 50);
  expect(afterwards).toEqual(Array(20).fill(201));
  expect(verdict).toMatchObject(NOTHING_WRONG);
});

it('limits the requests of one caller', async () => {
  await proxy.heal();
  // The 8 sessions count, too.
  const { workload } = await start({ RATE_LIMIT_WRITES: '300' });
  // No more clients than connections, so that no request is shed.
  const statuses = await workload.tryEach(1_000, FREE_CONNECTIONS);
  report('rate limit', statuses.length, workload, await workload.verify());
  expect(new Set(statuses)).toEqual(new Set([201, 429]));
  expect(statuses.filter((status) => status === 201).length).toBe(292);
  expect(workload.withoutRetryAfter).toBe(0);
});
