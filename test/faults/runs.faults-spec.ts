import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { amount, reportRuns } from '../support/faults/report.js';
import { NO_FAULTS } from '../support/faults/run-audit.js';
import { RunWorkload } from '../support/faults/run-workload.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { startMysqlServer } from '../support/mysql-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { startTestService } from '../support/test-service.js';

const SESSIONS = 6;
/** With those of the cluster 200, and 20 in the short form. */
const KILLS = { SQLite: amount(70, 7), MariaDB: amount(80, 8) };
/** Meanwhile writers are paused for longer than their leases. */
const PAUSES = amount(10, 1);

it.each(['SQLite', 'MariaDB'] as const)(
  'kill -9 of writers, service and database loses no acknowledged output on %s',
  async (store) => {
    let server: Awaited<ReturnType<typeof startMysqlServer>> | undefined;
    if (store === 'MariaDB') {
      server = await startMysqlServer({ durable: true });
      onTestFinished(() => server!.stop());
    }
    const DATABASE_URL = server
      ? (await createMysqlDatabase(server.url)).url
      : `sqlite:${join(temporaryDirectory(), 'chat.sqlite')}`;
    const start = () =>
      startTestService({ DATABASE_URL, DATABASE_MIGRATE: 'true' });
    let service = await start();
    const workload = new RunWorkload(() => service.url);
    await workload.createSessions(SESSIONS);
    const kills = [
      () => workload.killWriter(),
      async () => {
        await service.process.stop('SIGKILL');
        service = await start();
        workload.followService();
      },
      async () => {
        await server!.kill();
        await sleep(randomInt(500));
        await server!.restart();
      },
    ].slice(0, server ? 3 : 2);
    const pauses = async () => {
      for (let i = 0; i < PAUSES; i++) await workload.pauseWriter();
    };
    const kill = async () => {
      for (let round = 0; round < KILLS[store]; round++) {
        await sleep(100 + randomInt(1_500));
        await kills[round % kills.length]!();
      }
    };
    await workload.during(async () => {
      await Promise.all([kill(), pauses()]);
    });
    const verdict = await workload.verify();
    reportRuns(`runs, ${store}`, KILLS[store], workload, verdict);
    expect(verdict).toMatchObject(NO_FAULTS);
    expect(verdict.acks).toBeGreaterThan(10 * KILLS[store]);
  },
);
