import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { amount } from '../support/faults/report.js';
import {
  type ShutdownReport,
  shutDownUnderLoad,
} from '../support/faults/shutdown-under-load.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ROUNDS = amount(20, 2);
/** An empty setting stands for the default. */
const DEFAULT_DRAIN = '';

function expectNothingLost(ending: ShutdownReport) {
  expect(ending).toMatchObject({
    lost: [],
    refusals: [],
    missing: [],
    unacknowledged: [],
    doubled: 0,
    gaps: 0,
    exitCode: 0,
    stderr: '',
  });
  // The process ended by itself, long before the limit of 20 s.
  expect(ending.stdout).not.toContain('Cutting off');
  expect(ending.responsesAfterSignal).toBeGreaterThan(0);
}

/** During the drain every response closes its connection, and only readiness fails. */
function expectDraining({ sentWhileDraining }: ShutdownReport) {
  const responses = sentWhileDraining.map((exchange) => {
    const { method, path, status, connection } = exchange;
    const what = path.startsWith('/health') ? path : method;
    return `${what} ${status} ${connection}`;
  });
  expect(new Set(responses)).toEqual(
    new Set([
      'GET 200 close',
      'POST 201 close',
      '/health/live 200 close',
      '/health/ready 503 close',
    ]),
  );
}

function reportAll(run: string, endings: ShutdownReport[]) {
  const sum = (of: (ending: ShutdownReport) => number) =>
    endings.reduce((total, ending) => total + of(ending), 0);
  const longest = (of: (ending: ShutdownReport) => number) =>
    Math.round(Math.max(...endings.map(of)));
  process.stdout.write(
    `${run}: ${sum((e) => e.acknowledged)} acks, ${endings.length} faults, ` +
      `${sum((e) => e.missing.length)} lost, ${sum((e) => e.doubled)} doubled, ${sum((e) => e.gaps)} gaps, ` +
      `${sum((e) => e.lost.length)} requests failed in flight, ` +
      `${sum((e) => e.cutBeforeRead)} new connections cut off, ` +
      `longest response ${longest((e) => e.longestResponseMs)} ms, ` +
      `exit at most ${longest((e) => e.secondsToExit * 1000)} ms after the last response\n`,
  );
}

describe.each(['SQLite', 'MariaDB'])('a shutdown on %s', (store) => {
  let server: MysqlServer | undefined;
  beforeAll(async () => {
    if (store === 'MariaDB') server = await startMysqlServer({ durable: true });
  });
  afterAll(() => server?.stop());

  async function newDatabase(): Promise<string> {
    return server
      ? (await createMysqlDatabase(server.url)).url
      : `sqlite:${join(temporaryDirectory(), 'chat.sqlite')}`;
  }

  it('by SIGTERM loses nothing and closes the connections of all clients', async () => {
    const endings: ShutdownReport[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      endings.push(
        await shutDownUnderLoad(await newDatabase(), { drainMs: '1500' }),
      );
    }
    reportAll(`SIGTERM, ${store}`, endings);
    endings.forEach(expectNothingLost);
    endings.forEach(expectDraining);
  });

  it('with the default drain loses nothing', async () => {
    const drainMs = DEFAULT_DRAIN;
    expectNothingLost(
      await shutDownUnderLoad(await newDatabase(), { drainMs }),
    );
  });

  it('by SIGINT loses nothing, even if the signal is repeated', async () => {
    expectNothingLost(
      await shutDownUnderLoad(await newDatabase(), {
        drainMs: DEFAULT_DRAIN,
        signal: 'SIGINT',
        repeatEveryMs: 1,
      }),
    );
  });
});
