import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BranchWorkload } from '../support/faults/branch-workload.js';
import {
  amount,
  NOTHING_WRONG,
  report,
  reportRuns,
} from '../support/faults/report.js';
import { NO_FAULTS } from '../support/faults/run-audit.js';
import { RunWorkload } from '../support/faults/run-workload.js';
import { type Fault, TcpProxy } from '../support/faults/tcp-proxy.js';
import { NO_RESPONSE, Workload } from '../support/faults/workload.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import {
  type ServiceProcess,
  startService,
} from '../support/service-process.js';

const APPENDS = 200;
const CLIENTS = 8;
/** Fewer than the clients, so that writes wait for a connection. */
const POOL_SIZE = 4;
/** The service keeps one connection for readiness checks. */
const FREE_CONNECTIONS = POOL_SIZE - 1;
const DEADLINE_MS = 1_000;
/** The least duration of a fault that lets nothing pass: longer than the deadline. */
const FAULT_MS = 1_500;

const FAULTS: Fault[] = [
  { kind: 'none' },
  { kind: 'latency', milliseconds: 10 },
  { kind: 'throttle', bytesPerSecond: 20_000 },
  { kind: 'reset' },
  { kind: 'refuse' },
  { kind: 'blackhole' },
  { kind: 'cut before COMMIT', every: 3 },
  { kind: 'cut reply', every: 3 },
  { kind: 'swallow reply', every: 10 },
];
/** Nothing passes during these faults: they are injected and healed in turn. */
const TOTAL = new Set(['reset', 'refuse', 'blackhole']);

/** How long outputs meet each fault around COMMIT. */
const OUTPUTS_MS = amount(20_000, 3_000);

/** Waits until as many more responses have come as there are clients. */
async function allRespond(workload: Workload): Promise<void> {
  const count = () => {
    const { responses } = workload;
    const requests = [...responses.values()].reduce((a, b) => a + b, 0);
    return requests - (responses.get(NO_RESPONSE) ?? 0);
  };
  const before = count();
  await expect
    .poll(count, { timeout: 60_000 })
    .toBeGreaterThanOrEqual(before + CLIENTS);
}

describe('a network between service and MariaDB', () => {
  let server: MysqlServer;
  let proxy: TcpProxy;
  let service: ServiceProcess;

  beforeAll(async () => {
    server = await startMysqlServer({ durable: true });
    proxy = await TcpProxy.before(server.port);
    const { pathname } = new URL((await createMysqlDatabase(server.url)).url);
    service = await startService({
      DATABASE_URL: `mysql://root@127.0.0.1:${proxy.port}${pathname}`,
      DATABASE_MIGRATE: 'true',
      DATABASE_POOL_SIZE: String(POOL_SIZE),
      REQUEST_DEADLINE_MS: String(DEADLINE_MS),
      DATABASE_CONNECT_TIMEOUT_MS: '1000',
    });
  });
  afterEach(() => proxy.heal());
  afterAll(async () => {
    await service?.stop();
    await proxy?.stop();
    await server?.stop();
  });

  it.each(FAULTS)(
    'with the fault $kind loses nothing, and every request gets a response',
    async (fault) => {
      const workload = new Workload(() => service.url);
      const branches = new BranchWorkload(() => service.url);
      await workload.createSessions(4);
      await branches.createSessions(2);
      const faultsBefore = proxy.faults;
      const work = async () => {
        if (TOTAL.has(fault.kind)) {
          for (let round = 0; round < 3; round++) {
            await sleep(200);
            proxy.inject(fault);
            await Promise.all([sleep(FAULT_MS), allRespond(workload)]);
            await proxy.heal();
          }
        } else {
          proxy.inject(fault);
        }
        await expect
          .poll(() => workload.appends, { timeout: 300_000 })
          .toBeGreaterThanOrEqual(APPENDS);
      };
      await workload.during(CLIENTS, () => branches.during(work));
      await proxy.heal();
      await sleep(1_000); // The time that reliability.md allows.
      const afterwards = await workload.tryEach(20, FREE_CONNECTIONS);
      const verdict = await workload.verify();
      const changed = await branches.verify();
      const faults = proxy.faults - faultsBefore;
      report(`network: ${fault.kind}`, faults, workload, verdict);
      report(`network: ${fault.kind}, branches`, faults, branches, changed);
      expect(verdict).toMatchObject(NOTHING_WRONG);
      expect(changed).toMatchObject(NOTHING_WRONG);
      expect(verdict.acks).toBeGreaterThanOrEqual(APPENDS);
      expect(changed.acks).toBeGreaterThan(0);
      for (const { responses } of [workload, branches]) {
        expect(responses.has(NO_RESPONSE)).toBe(false);
      }
      // The branches are also read and cleared, by routes that have a 500 of their own.
      expect(workload.responses.has(500)).toBe(false);
      expect(afterwards).toEqual(Array(20).fill(201));
    },
  );

  it('with faults around COMMIT loses no output, and stores none twice', async () => {
    const workload = new RunWorkload(() => service.url);
    await workload.createSessions(6);
    const faultsBefore = proxy.faults;
    await workload.during(async () => {
      for (const fault of FAULTS) {
        if (!('every' in fault)) continue;
        proxy.inject(fault);
        await sleep(OUTPUTS_MS);
        await proxy.heal();
      }
    });
    const verdict = await workload.verify();
    const faults = proxy.faults - faultsBefore;
    reportRuns('network: COMMIT, runs', faults, workload, verdict);
    expect(verdict).toMatchObject(NO_FAULTS);
    expect(faults).toBeGreaterThan(10);
    expect(verdict.acks).toBeGreaterThan(faults);
  });
});
