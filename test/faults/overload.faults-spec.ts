import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { amount, NOTHING_WRONG, report } from '../support/faults/report.js';
import { TcpProxy } from '../support/faults/tcp-proxy.js';
import { Workload } from '../support/faults/workload.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { type Environment, startService } from '../support/service-process.js';
import { createMysqlDatabase } from '../support/test-database.js';

const SECONDS = amount(60, 10);
const DEADLINE_MS = 2_000;
/** What an answer may take beyond the deadline, where clients share two cores with the service. */
const SLACK_MS = 1_000;
const MIB = 1024 * 1024;

let server: MysqlServer;
let proxy: TcpProxy;

beforeAll(async () => {
  server = await startMysqlServer({ durable: true });
  proxy = await TcpProxy.before(server.port);
  // A far database makes it the bottleneck, and ten times its load affordable.
  proxy.inject({ kind: 'latency', milliseconds: 10 });
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
});

async function start(environment: Environment) {
  const { pathname } = new URL((await createMysqlDatabase(server.url)).url);
  const service = await startService({
    DATABASE_URL: `mysql://root@127.0.0.1:${proxy.port}${pathname}`,
    DATABASE_MIGRATE: 'true',
    DATABASE_POOL_SIZE: '5',
    REQUEST_DEADLINE_MS: String(DEADLINE_MS),
    ...environment,
  });
  onTestFinished(async () => {
    await service.stop();
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

/** Sends so many requests a second, whether or not they are answered. */
async function flood(workload: Workload, perSecond: number, seconds: number) {
  const answers: Promise<number>[] = [];
  const start = performance.now();
  while (performance.now() - start < seconds * 1000) {
    const due = ((performance.now() - start) / 1000) * perSecond;
    while (answers.length < due) answers.push(workload.tryOnce());
    await sleep(10);
  }
  return Promise.all(answers);
}

it('ten times the load that it can carry is shed, and over at once', async () => {
  const { service, workload } = await start({});
  const seconds = 5;
  setTimeout(() => workload.stop(), seconds * 1000);
  await workload.append(Infinity, 16);
  const capacity = workload.appends / seconds;

  await flood(workload, 10 * capacity, 3);
  const before = residentMegabytes(service.process.pid);
  const statuses = await flood(workload, 10 * capacity, SECONDS);
  const after = residentMegabytes(service.process.pid);
  const afterwards = await Promise.all(
    Array.from({ length: 20 }, () => workload.tryOnce()),
  );
  const verdict = await workload.verify();
  report('overload', statuses.length, workload, verdict);
  process.stdout.write(
    `overload: capacity ${Math.round(capacity)}/s, sent ${Math.round(10 * capacity)}/s for ${SECONDS} s, memory ${before} MiB before and ${after} MiB after\n`,
  );
  expect(new Set(statuses)).toEqual(new Set([201, 503]));
  expect(workload.withoutRetryAfter).toBe(0);
  expect(workload.longestAnswer).toBeLessThan(DEADLINE_MS + SLACK_MS);
  expect(after).toBeLessThan(before + 50);
  expect(afterwards).toEqual(Array(20).fill(201));
  expect(verdict).toMatchObject(NOTHING_WRONG);
});

it('one caller who sends more than the limit is told so', async () => {
  await proxy.heal();
  const { workload } = await start({ RATE_LIMIT_WRITES: '300' });
  const statuses = await flood(workload, 100, 10);
  report('rate limit', statuses.length, workload, await workload.verify());
  expect(new Set(statuses)).toEqual(new Set([201, 429]));
  expect(statuses.filter((status) => status === 201).length).toBe(292);
  expect(workload.withoutRetryAfter).toBe(0);
});
