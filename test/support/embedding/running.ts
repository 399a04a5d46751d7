import { expect, it } from 'vitest';
import { NOTHING_WRONG } from '../faults/report.js';
import { Workload } from '../faults/workload.js';
import { connectMysql } from '../mysql-connection.js';
import {
  type Environment,
  listening,
  NodeProcess,
} from '../service-process.js';
import { CONTRACT } from './contract.js';
import type { Exchange } from './exchange.js';

/** How often to send a request whose response may get lost. */
const ATTEMPTS = 10;
/** Appends between two faults. */
const APPENDS = 20;
const CLIENTS = 4;

/** A compiled application in a process of its own, in a time zone other than the store's (UTC). */
export class RunningApplication {
  origin: string;
  private process: NodeProcess | undefined;

  constructor(
    private readonly directory: string,
    private readonly environment: Environment,
  ) {}

  async start(): Promise<void> {
    const more = { PORT: '0', TZ: 'America/New_York' };
    this.process = new NodeProcess(
      ['src/main.js'],
      { ...more, ...this.environment },
      this.directory,
    );
    this.origin = (await listening(this.process)).url;
  }

  /** The URL of the routes. */
  get url(): string {
    return `${this.origin}/platform`;
  }

  /** Undefined if it has never started. */
  async stop(signal?: NodeJS.Signals) {
    return this.process?.stop(signal);
  }
}

/** The tests of the whole contract, in its order. */
export function fulfilsContract(
  url: () => string,
  { isExpress4 = false } = {},
): void {
  const exchanges = CONTRACT.map(({ onExpress4, ...exchange }) => ({
    ...exchange,
    ...(isExpress4 && onExpress4 !== undefined && { responseBody: onExpress4 }),
  }));
  it.each(exchanges.map((exchange) => ({ exchange, ...exchange })))(
    '$method $path: $name',
    async ({ exchange }) => {
      await expectResponse(url(), exchange);
    },
  );
}

/**
 * Appends to the application's sessions while its connections to MySQL and then
 * its process are killed.
 * @param mysqlUrl of its database; without it the application is on SQLite
 */
export function losesNothing(
  application: () => RunningApplication,
  mysqlUrl?: () => string,
): void {
  it('loses and doubles no message if connections and the process are killed', async () => {
    const workload = new Workload(() => application().origin, '/platform', {
      'x-user-id': 'dave',
    });
    const moreAppends = async () => {
      const goal = workload.appends + APPENDS;
      await expect
        .poll(() => workload.appends, { timeout: 60_000 })
        .toBeGreaterThanOrEqual(goal);
    };
    await workload.createSessions(2);
    await workload.during(CLIENTS, async () => {
      await moreAppends();
      if (mysqlUrl) {
        await killConnections(mysqlUrl());
        await moreAppends();
      }
      await application().stop('SIGKILL');
      await application().start();
      await moreAppends();
    });
    expect(await workload.verify()).toMatchObject(NOTHING_WRONG);
  });
}

/** Kills all other connections to the database. */
async function killConnections(url: string): Promise<void> {
  const connection = await connectMysql(url);
  try {
    const [rows] = await connection.query(
      'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()',
    );
    for (const { id } of rows as { id: number }[]) {
      await connection.query('KILL ?', [id]);
    }
    expect(rows).not.toEqual([]);
  } finally {
    await connection.end();
  }
}

async function send(url: string, exchange: Exchange): Promise<Response> {
  const { method, path, owner = 'alice', headers, body } = exchange;
  const request = {
    method,
    headers: {
      ...(owner !== null && { 'x-user-id': owner }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetch(url + path, request);
    } catch (error) {
      // A server may refuse a body before it has read it all, and close the
      // connection. The client can then miss the response.
      if (exchange.status !== 413 || attempt === ATTEMPTS) throw error;
    }
  }
}

async function expectResponse(url: string, exchange: Exchange): Promise<void> {
  const { status, responseBody, responseHeaders = {} } = exchange;
  const response = await send(url, exchange);
  const text = await response.text();
  expect(response.status, text).toBe(status);
  if (responseBody) expect(JSON.parse(text)).toEqual(responseBody);
  expect(Object.fromEntries(response.headers)).toMatchObject(responseHeaders);
}
