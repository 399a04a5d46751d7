import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import { BranchWorkload } from '../support/faults/branch-workload.js';
import { amount, NOTHING_WRONG, report } from '../support/faults/report.js';
import { Workload } from '../support/faults/workload.js';
import { connectMysql } from '../support/mysql-connection.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { startTestService } from '../support/test-service.js';

const ROUNDS = amount(15, 3);
const CLIENTS = 8;
/** Fewer than the clients, so that writes wait for a connection. */
const POOL_SIZE = 4;
/** The service keeps one connection for readiness checks. */
const FREE_CONNECTIONS = POOL_SIZE - 1;

/** Waits 100 ms and a random part, so that each kill comes at another moment. */
function upTo(milliseconds: number): Promise<void> {
  return sleep(100 + Math.random() * milliseconds);
}

describe('kill -9 of the service', () => {
  let server: MysqlServer;
  beforeAll(async () => {
    server = await startMysqlServer({ durable: true });
  });
  afterAll(() => server?.stop());

  it.each(['SQLite', 'MariaDB'])(
    'loses no acknowledged message on %s',
    async (store) => {
      const DATABASE_URL =
        store === 'SQLite'
          ? `sqlite:${join(temporaryDirectory(), 'chat.sqlite')}`
          : (await createMysqlDatabase(server.url)).url;
      const start = () =>
        startTestService({ DATABASE_URL, DATABASE_MIGRATE: 'true' });
      let service = await start();
      const workload = new Workload(() => service.url);
      const branches = new BranchWorkload(() => service.url);
      await workload.createSessions(4);
      await branches.createSessions(2);
      const work = async () => {
        for (let round = 0; round < ROUNDS; round++) {
          await upTo(1_000);
          await service.process.stop('SIGKILL');
          service = await start();
        }
        await upTo(1_000);
      };
      await workload.during(CLIENTS, () => branches.during(work));
      const verdict = await workload.verify();
      const changed = await branches.verify();
      const run = `kill -9 of the service, ${store}`;
      report(run, ROUNDS, workload, verdict);
      report(`${run}, branches`, ROUNDS, branches, changed);
      for (const one of [verdict, changed]) {
        expect(one).toMatchObject(NOTHING_WRONG);
        expect(one.acks).toBeGreaterThan(ROUNDS);
      }
    },
  );
});

/** Waits until the server has written its whole log to disk. */
async function flushed({ url }: MysqlServer): Promise<void> {
  const connection = await connectMysql(url);
  const lsn = async (name: 'current' | 'flushed') => {
    const [rows] = await connection.query(
      `SHOW GLOBAL STATUS LIKE 'Innodb_lsn_${name}'`,
    );
    return Number((rows as { Value: string }[])[0]!.Value);
  };
  try {
    const written = await lsn('current');
    await expect
      .poll(() => lsn('flushed'), { timeout: 60_000 })
      .toBeGreaterThanOrEqual(written);
  } finally {
    connection.destroy();
  }
}

describe('kill -9 of MariaDB', () => {
  async function killRepeatedly(durable: boolean) {
    const server = await startMysqlServer({ durable });
    onTestFinished(() => server.stop());
    const { url } = await createMysqlDatabase(server.url);
    const service = await startTestService({
      DATABASE_URL: url,
      DATABASE_MIGRATE: 'true',
      DATABASE_POOL_SIZE: String(POOL_SIZE),
    });
    const workload = new Workload(() => service.url);
    const branches = new BranchWorkload(() => service.url);
    const recoveries: number[][] = [];
    await workload.createSessions(4);
    // Without durability a session could not be compared with its model.
    await branches.createSessions(durable ? 2 : 0);
    // The sessions must survive without durability, too.
    await flushed(server);
    const work = async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await upTo(1_000);
        await server.kill();
        await upTo(500);
        await server.restart();
        await sleep(1_000); // The time that reliability.md allows.
        recoveries.push(await workload.tryEach(20, FREE_CONNECTIONS));
      }
    };
    await workload.during(CLIENTS, () => branches.during(work));
    const verdict = await workload.verify();
    const changed = await branches.verify();
    return { workload, verdict, branches, changed, recoveries };
  }

  it('loses no acknowledged message, and the service recovers without a restart', async () => {
    const { workload, verdict, branches, changed, recoveries } =
      await killRepeatedly(true);
    const run = 'kill -9 of MariaDB, durable';
    report(run, ROUNDS, workload, verdict);
    report(`${run}, branches`, ROUNDS, branches, changed);
    expect(verdict).toMatchObject(NOTHING_WRONG);
    expect(changed).toMatchObject(NOTHING_WRONG);
    expect(changed.acks).toBeGreaterThan(ROUNDS);
    expect(workload.responses.has(500)).toBe(false);
    for (const statuses of recoveries) {
      expect(statuses).toEqual(Array(20).fill(201));
    }
  });

  it('loses acknowledged messages with flush=0, which the test finds', async () => {
    const { workload, verdict } = await killRepeatedly(false);
    report('kill -9 of MariaDB, flush=0', ROUNDS, workload, verdict);
    expect(verdict.lost).toBeGreaterThan(0);
  });
});
