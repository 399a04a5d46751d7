import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { amount, NOTHING_WRONG, report } from '../support/faults/report.js';
import { Workload } from '../support/faults/workload.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import {
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { createMysqlDatabase } from '../support/test-database.js';

const ROUNDS = amount(15, 3);
const CLIENTS = 8;
/** Fewer than there are clients, so that writes wait. */
const POOL_SIZE = 4;

function upTo(milliseconds: number): Promise<void> {
  return sleep(100 + Math.random() * milliseconds);
}

describe('kill -9 of the service', () => {
  let server: MysqlServer;
  beforeAll(async () => {
    server = await startMysqlServer({ durable: true });
  });
  afterAll(() => server.stop());

  it.each(['SQLite', 'MariaDB'])(
    'loses nothing that was acknowledged, on %s',
    async (store) => {
      const DATABASE_URL =
        store === 'SQLite'
          ? `sqlite:${join(temporaryDirectory(), 'chat.sqlite')}`
          : (await createMysqlDatabase(server.url)).url;
      const start = () =>
        startService({ DATABASE_URL, DATABASE_MIGRATE: 'true' });
      let service: ServiceProcess = await start();
      const workload = new Workload(() => service.url);
      await workload.createSessions(4);
      const load = workload.append(Infinity, CLIENTS);
      for (let round = 0; round < ROUNDS; round++) {
        await upTo(1_000);
        await service.process.stop('SIGKILL');
        service = await start();
      }
      await upTo(1_000);
      workload.stop();
      await load;
      const verdict = await workload.verify();
      report(`kill -9 of the service, ${store}`, ROUNDS, workload, verdict);
      await service.stop();
      expect(verdict).toMatchObject(NOTHING_WRONG);
      expect(verdict.acks).toBeGreaterThan(ROUNDS);
    },
  );
});

describe('kill -9 of MariaDB', () => {
  async function killRepeatedly(durable: boolean) {
    const server = await startMysqlServer({ durable });
    const { url } = await createMysqlDatabase(server.url);
    const service = await startService({
      DATABASE_URL: url,
      DATABASE_MIGRATE: 'true',
      DATABASE_POOL_SIZE: String(POOL_SIZE),
    });
    const workload = new Workload(() => service.url);
    const recoveries: number[][] = [];
    try {
      await workload.createSessions(4);
      // Without durability, too, these are on disk after a second.
      await sleep(2_000);
      const load = workload.append(Infinity, CLIENTS);
      for (let round = 0; round < ROUNDS; round++) {
        await upTo(1_000);
        await server.kill();
        await upTo(500);
        await server.restart();
        await sleep(1_000);
        recoveries.push(
          await Promise.all(
            Array.from({ length: 20 }, () => workload.tryOnce()),
          ),
        );
      }
      workload.stop();
      await load;
      return { workload, verdict: await workload.verify(), recoveries };
    } finally {
      workload.stop();
      await service.stop();
      await server.stop();
    }
  }

  it('loses nothing that was acknowledged, and is survived without a restart', async () => {
    const { workload, verdict, recoveries } = await killRepeatedly(true);
    report('kill -9 of MariaDB, durable', ROUNDS, workload, verdict);
    expect(verdict).toMatchObject(NOTHING_WRONG);
    for (const statuses of recoveries) {
      expect(statuses).toEqual(Array(20).fill(201));
    }
  });

  it('would be seen to lose something: with flush=0 it does', async () => {
    const { workload, verdict } = await killRepeatedly(false);
    report('kill -9 of MariaDB, flush=0', ROUNDS, workload, verdict);
    expect(verdict.lost).toBeGreaterThan(0);
  });
});
