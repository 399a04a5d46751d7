import type { PoolConnection } from 'mysql2';
import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { ChatMessage } from '../../src/chat-sessions/store/entities/chat-message.entity.js';
import type { MysqlDriver as OurDriver } from '../../src/database/mysql/node.js';
import {
  append,
  createSession,
  getPage,
  NOBODYS_ID,
  numbers,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const CLIENTS = 12;
const ROUNDS = 25;
const LONGEST_CHAIN = 16;
const LOCK_WAIT_TIMEOUT = Object.assign(new Error('on purpose'), {
  errno: 1205,
});

/** Two at once: of twelve clients most wait, and writes begin where others end. */
const api = useTestApp({ environment: { DATABASE_POOL_SIZE: '3' } });

afterEach(() => {
  vi.restoreAllMocks();
});

/** By connection what happens on it: what is sent, and `release`. */
type Logs = Map<PoolConnection, string[]>;

type Method = (this: PoolConnection, ...args: unknown[]) => unknown;

/** What gets the answer to the first COMMIT AND CHAIN, in place of whoever waits for it. */
type Intercept = (
  waiting: (...answer: unknown[]) => unknown,
  answer: unknown[],
) => void;

async function watchConnections(intercept?: Intercept): Promise<Logs> {
  const driver = api.dataSource.driver as MysqlDriver;
  const connection = (await driver.obtainMasterConnection()) as PoolConnection;
  connection.release();
  const prototype = Object.getPrototypeOf(connection) as Record<
    'query' | 'execute' | 'release',
    Method
  >;
  const logs: Logs = new Map();
  for (const method of ['query', 'execute', 'release'] as const) {
    const original = prototype[method];
    vi.spyOn(prototype, method).mockImplementation(function (
      this: PoolConnection,
      ...args
    ) {
      const log = logs.get(this) ?? [];
      logs.set(this, log);
      log.push(method === 'release' ? method : String(args[0]));
      const [sql, values, waiting] = args;
      if (!intercept || sql !== 'COMMIT AND CHAIN') {
        return original.apply(this, args);
      }
      const first = intercept;
      intercept = undefined;
      return original.call(this, sql, values, (...answer: unknown[]) =>
        first((waiting as Method).bind(this), answer),
      );
    });
  }
  return logs;
}

/**
 * How often each happened. Throws where a transaction begins or ends in one, a
 * connection is released in one, or a session is read in one without its lock.
 */
function transactionsOf(log: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);
  let chain = 0;
  log.forEach((entry, index) => {
    const before = chain;
    const isRead =
      entry.includes('FROM `chat_sessions`') && !entry.includes('FOR UPDATE');
    if (entry === 'START TRANSACTION') chain = 1;
    else if (entry === 'COMMIT AND CHAIN') chain++;
    else if (entry === 'COMMIT' || entry === 'ROLLBACK') chain = 0;
    else if (entry !== 'release' && !isRead) return;
    count(entry);
    if (entry === 'ROLLBACK' && log[index - 1] === 'COMMIT AND CHAIN') {
      count('without an heir');
    }
    const isInside = !(
      isRead ||
      entry === 'START TRANSACTION' ||
      entry === 'release'
    );
    expect([index, entry, before > 0]).toEqual([index, entry, isInside]);
    expect(chain).toBeLessThanOrEqual(LONGEST_CHAIN);
  });
  return counts;
}

function sum(logs: Logs, what: string): number {
  return [...logs.values()]
    .map(transactionsOf)
    .reduce((total, { [what]: count = 0 }) => total + count, 0);
}

async function storedSeqs(sessionId: string): Promise<number[]> {
  const stored = await api.dataSource
    .getRepository(ChatMessage)
    .find({ where: { sessionId }, order: { seq: 'ASC' } });
  return stored.map(({ seq }) => seq);
}

function appendAtOnce(id: string, count: number) {
  return Promise.all(
    numbers(1, count).map((n) =>
      append(api, id, { role: 'user', content: `message ${n}` }),
    ),
  );
}

describe('writes that begin where others end', () => {
  it('are all or nothing, and nobody else gets into their transactions', async () => {
    const logs = inject('store') === 'mysql' ? await watchConnections() : null;
    const { id } = await createSession(api);
    const taken = { id: 'taken', role: 'user', content: 'Hello' };
    await append(api, id, taken);
    const clients = numbers(1, CLIENTS).map(async (client) => {
      for (const round of numbers(1, ROUNDS)) {
        const content = `${client}.${round}`;
        const { status } = await append(api, id, { role: 'user', content });
        expect(status).toBe(201);
        const { messages } = await getPage(api, id, 'limit=100');
        expect(messages.map((message) => message.content)).toContain(content);
        const other = { ...taken, content };
        expect((await append(api, id, other)).status).toBe(409);
        expect((await append(api, NOBODYS_ID, taken)).status).toBe(404);
      }
    });
    await Promise.all(clients);
    const written = 1 + CLIENTS * ROUNDS;
    expect(await storedSeqs(id)).toEqual(numbers(1, written));
    if (!logs) return;
    const commits = sum(logs, 'COMMIT') + sum(logs, 'COMMIT AND CHAIN');
    // With the session's, and perhaps the sweeper's.
    expect(commits).toBeGreaterThanOrEqual(written + 1);
    expect(sum(logs, 'COMMIT AND CHAIN')).toBeGreaterThan(0);
  });

  if (inject('store') !== 'mysql') return;

  it('are spared START TRANSACTION', async () => {
    const { id } = await createSession(api);
    const logs = await watchConnections();
    const answers = await appendAtOnce(id, 32);
    expect(answers.map(({ status }) => status)).toEqual(Array(32).fill(201));
    expect(sum(logs, 'START TRANSACTION')).toBeLessThanOrEqual(8);
    expect(sum(logs, 'COMMIT AND CHAIN')).toBeGreaterThanOrEqual(16);
  });

  it('leave it open whether they happened where COMMIT AND CHAIN fails, and the next begins anew', async () => {
    const { id } = await createSession(api);
    await watchConnections((waiting) => waiting(LOCK_WAIT_TIMEOUT));
    const answers = await appendAtOnce(id, 12);
    const others = answers.filter(({ status }) => status !== 201);
    expect(others.map(({ status, text }) => [status, text])).toEqual([
      [503, expect.stringContaining('its outcome is unknown')],
    ]);
    expect(await storedSeqs(id)).toEqual(numbers(1, 12));
  });

  it('leave nobody a transaction where the next has begun elsewhere', async () => {
    const { id } = await createSession(api);
    let answerFirst!: () => void;
    const logs = await watchConnections((waiting, answer) => {
      answerFirst = () => waiting(...answer);
    });
    let answered = 0;
    const statuses = await Promise.all(
      numbers(1, 12).map(async (n) => {
        const message = { role: 'user', content: `message ${n}` };
        const { status } = await append(api, id, message);
        if (++answered === 11) answerFirst();
        return status;
      }),
    );
    expect(statuses).toEqual(Array(12).fill(201));
    await vi.waitFor(() => expect(sum(logs, 'without an heir')).toBe(1));
    expect(await storedSeqs(id)).toEqual(numbers(1, 12));
  });

  it('do not begin on a server that is no longer in force', async () => {
    const { id } = await createSession(api);
    const logs = await watchConnections();
    const { driver } = api.dataSource.options as unknown as {
      driver: OurDriver;
    };
    const left = new Set<unknown>();
    vi.spyOn(driver.hosts, 'isInForce').mockImplementation(
      (socket) => !left.has(socket),
    );
    const answers = appendAtOnce(id, 12);
    await vi.waitFor(() => expect(logs.size).toBe(2), { interval: 1 });
    const former = [...logs].map(([connection, log]) => {
      left.add((connection as unknown as { stream: object }).stream);
      return { log, length: log.length };
    });
    const statuses = (await answers).map(({ status }) => status);
    expect(statuses).toEqual(Array(12).fill(201));
    for (const { log, length } of former) {
      const isEnd = (entry: string) => /^COMMIT|^ROLLBACK/.test(entry);
      const end = log.findIndex(
        (entry, index) => index >= length && isEnd(entry),
      );
      expect(log.slice(end + 1)).toEqual([]);
    }
    expect(logs.size).toBe(4);
  });
});
