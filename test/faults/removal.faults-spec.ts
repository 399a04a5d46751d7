import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/app/config/parse-config.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { ChatPurge } from '../../src/chat-sessions/store/entities/chat-purge.entity.js';
import { ChatRangePurge } from '../../src/chat-sessions/store/entities/chat-range-purge.entity.js';
import { amount, NOTHING_WRONG, report } from '../support/faults/report.js';
import { Workload } from '../support/faults/workload.js';
import { LongSessions } from '../support/long-sessions.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { startTestService } from '../support/test-service.js';

const MESSAGES = amount(100_000, 3_000);
const CHARACTERS = 9_000;
const CLIENTS = 4;

let server: MysqlServer;
beforeAll(async () => {
  server = await startMysqlServer({ durable: true });
});
afterAll(() => server?.stop());

it.each([
  ['clear', 'SQLite'],
  ['delete', 'SQLite'],
  ['deleteMessages', 'SQLite'],
  ['clear', 'MariaDB'],
  ['delete', 'MariaDB'],
  ['deleteMessages', 'MariaDB'],
] as const)(
  'the %s of a long session holds up nobody on %s',
  async (action, store) => {
    const environment = {
      DATABASE_URL:
        store === 'SQLite'
          ? `sqlite:${join(temporaryDirectory(), 'chat.sqlite')}`
          : (await createMysqlDatabase(server.url)).url,
      DATABASE_MIGRATE: 'true',
      REMOVAL_GRACE: '0',
    };
    const service = await startTestService(environment);
    const api = new LongSessions(service.url);
    const id = await api.create(MESSAGES, CHARACTERS);
    const dataSource = await openDataSource(parseConfig(environment));
    onTestFinished(() => dataSource.destroy());
    const purges = dataSource.getRepository<object>(
      action === 'deleteMessages' ? ChatRangePurge : ChatPurge,
    );

    const workload = new Workload(() => service.url);
    await workload.createSessions(CLIENTS);
    const start = performance.now();
    const elapsed = () => Math.round(performance.now() - start);
    await workload.during(CLIENTS, async () => {
      expect(await api[action](id)).toBe(action === 'clear' ? 200 : 204);
      const responseMs = elapsed();
      await expect
        .poll(() => purges.count(), { timeout: 900_000, interval: 100 })
        .toBe(0);
      process.stdout.write(
        `${action} of ${MESSAGES} messages of ${CHARACTERS} characters, ${store}: response after ${responseMs} ms, rows removed after ${elapsed()} ms\n`,
      );
    });
    const verdict = await workload.verify();
    report(`${action}, ${store}`, 1, workload, verdict);
    expect(verdict).toMatchObject(NOTHING_WRONG);
    expect(new Set(workload.responses.keys())).toEqual(new Set([200, 201]));
  },
);
