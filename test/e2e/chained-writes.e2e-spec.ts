import type { PoolConnection } from 'mysql2';
import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import { afterEach, expect, inject, it, vi } from 'vitest';
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

/** Two connections for twelve clients: most wait, and writes begin where others end. */
const api = useTestApp({ environment: { DATABASE_POOL_SIZE: '3' } });

afterEach(() => {
  vi.restoreAllMocks();
});

/** Writes down what happens on each connection: what is sent, and `release`. */
async function watchConnections(): Promise<Map<unknown, string[]>> {
  const driver = api.dataSource.driver as MysqlDriver;
  const connection = (await driver.obtainMasterConnection()) as PoolConnection;
  connection.release();
  const prototype = Object.getPrototypeOf(connection) as Record<
    'query' | 'execute' | 'release',
    (...args: unknown[]) => unknown
  >;
  const logs = new Map<unknown, string[]>();
  for (const method of ['query', 'execute', 'release'] as const) {
    const original = prototype[method];
    vi.spyOn(prototype, method).mockImplementation(function (
      this: unknown,
      ...args
    ) {
      const log = logs.get(this) ?? [];
      logs.set(this, log);
      log.push(method === 'release' ? method : String(args[0]));
      return original.apply(this, args);
    });
  }
  return logs;
}

/** How often each happened; throws where a transaction begins or ends in one, or a connection is released in one. */
function transactionsOf(log: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);
  let isOpen = false;
  log.forEach((entry, index) => {
    const isOpenBefore = isOpen;
    if (entry === 'START TRANSACTION') isOpen = true;
    else if (entry === 'COMMIT' || entry === 'ROLLBACK') isOpen = false;
    else if (entry !== 'COMMIT AND CHAIN' && entry !== 'release') return;
    count(entry);
    if (entry === 'ROLLBACK' && log[index - 1] === 'COMMIT AND CHAIN') {
      count('without an heir');
    }
    const isBeginning = entry === 'START TRANSACTION' || entry === 'release';
    expect([index, entry, isOpenBefore]).toEqual([index, entry, !isBeginning]);
  });
  return counts;
}

it('writes that begin where others end are all or nothing, and nobody else gets into their transactions', async () => {
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
  const { messages } = await getPage(api, id, 'limit=100');
  expect(messages.at(-1)?.seq).toBe(written);
  const stored = await api.dataSource.query<{ seq: number }[]>(
    'SELECT seq FROM chat_messages ORDER BY seq',
  );
  expect(stored.map(({ seq }) => seq)).toEqual(numbers(1, written));
  if (!logs) return;
  const counts = [...logs.values()].map(transactionsOf);
  const sum = (what: string) =>
    counts.reduce((total, { [what]: count = 0 }) => total + count, 0);
  // With the creation of the session.
  expect(sum('COMMIT') + sum('COMMIT AND CHAIN')).toBe(written + 1);
  expect(sum('COMMIT AND CHAIN')).toBeGreaterThan(sum('without an heir'));
  expect(sum('without an heir')).toBeGreaterThan(0);
});
