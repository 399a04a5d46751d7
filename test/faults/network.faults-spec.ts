import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NOTHING_WRONG, report } from '../support/faults/report.js';
import { type Fault, TcpProxy } from '../support/faults/tcp-proxy.js';
import { Workload } from '../support/faults/workload.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import {
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { createMysqlDatabase } from '../support/test-database.js';

const APPENDS = 200;
const CLIENTS = 8;
/** Fewer than there are clients, so that writes wait. */
const POOL_SIZE = 4;
const DEADLINE_MS = 1_000;
/** What an answer may take beyond the deadline: the way there and back, on a busy machine. */
const SLACK_MS = 500;

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
/** Nothing gets through: these come and go while the appends run. */
const TOTAL = new Set(['reset', 'refuse', 'blackhole']);

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
    });
  });
  afterEach(() => proxy.heal());
  afterAll(async () => {
    await service?.stop();
    await proxy?.stop();
    await server?.stop();
  });

  it.each(FAULTS)('with $kind', async (fault) => {
    const workload = new Workload(() => service.url);
    await workload.createSessions(4);
    const faultsBefore = proxy.faults;
    const load = workload.append(APPENDS, CLIENTS);
    if (TOTAL.has(fault.kind)) {
      for (let round = 0; round < 3; round++) {
        await sleep(200);
        proxy.inject(fault);
        await sleep(1_500);
        await proxy.heal();
      }
    } else {
      proxy.inject(fault);
    }
    await load;
    await proxy.heal();
    await sleep(1_000);
    const afterwards = await Promise.all(
      Array.from({ length: 20 }, () => workload.tryOnce()),
    );
    const verdict = await workload.verify();
    const faults = proxy.faults - faultsBefore;
    report(`network: ${fault.kind}`, faults, workload, verdict);
    expect(verdict).toMatchObject(NOTHING_WRONG);
    expect(verdict.acks).toBeGreaterThanOrEqual(APPENDS);
    expect(workload.longestAnswer).toBeLessThan(DEADLINE_MS + SLACK_MS);
    expect(afterwards).toEqual(Array(20).fill(201));
  });
});
