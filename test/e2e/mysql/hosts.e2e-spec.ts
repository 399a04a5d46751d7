import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { append, createSession, getPage, numbers } from '../../support/api.js';
import { TcpProxy } from '../../support/faults/tcp-proxy.js';
import { connectMysql } from '../../support/mysql-connection.js';
import { createProxiedDatabase } from '../../support/mysql-database.js';
import type { MysqlServer } from '../../support/mysql-server.js';
import {
  NAME,
  sessionsOn,
  startPreparedServer,
  urlOf,
} from '../../support/prepared-server.js';
import { TestApp, useTestApp } from '../../support/test-app.js';

/** How long failover takes: more than the defaults, for a machine that is busy. */
const LIMITS = {
  REQUEST_DEADLINE_MS: '10000',
  DATABASE_CONNECT_TIMEOUT_MS: '10000',
};
const MESSAGE = { role: 'user', content: 'Hello' };

const portOf = (server: MysqlServer) => Number(new URL(server.url).port);

let servers: MysqlServer[];
let api: TestApp;

function withTwoServers() {
  beforeAll(async () => {
    servers = [await startPreparedServer(), await startPreparedServer()];
    const url = urlOf(servers);
    api = new TestApp({
      createDatabase: async () => ({ url, remove: async () => undefined }),
      environment: LIMITS,
    });
    await api.start();
  });
  afterAll(async () => {
    await api?.stop();
    for (const server of servers ?? []) await server.stop();
  });

  it('does not fail over because of a locked row or parallel readiness checks', async () => {
    const [first, second] = servers as [MysqlServer, MysqlServer];
    const { id } = await createSession(api);
    const connection = await connectMysql(new URL(NAME, first.url).href);
    await connection.query('BEGIN');
    await connection.query(
      'SELECT 1 FROM chat_sessions WHERE id = ? FOR UPDATE',
      [id],
    );
    expect((await append(api, id, MESSAGE)).status).toBe(503);
    await connection.end();
    expect((await append(api, id, MESSAGE)).status).toBe(201);
    await Promise.all(
      Array.from({ length: 200 }, () => api.send('GET', '/health/ready')),
    );
    for (let i = 0; i < 10; i++) await createSession(api);
    expect((await append(api, id, MESSAGE)).status).toBe(201);
    expect(await sessionsOn(first)).toBe(11);
    expect(await sessionsOn(second)).toBe(0);
  });

  it('fails over to the next server while the first does not reply', async () => {
    const [first, second] = servers as [MysqlServer, MysqlServer];
    const writesTo = async (server: MysqlServer) => {
      const before = await sessionsOn(server);
      await api.send('POST', '/api/chat-sessions', {});
      return (await sessionsOn(server)) > before;
    };
    process.kill(first.pid, 'SIGSTOP');
    try {
      await expect.poll(() => writesTo(second), { timeout: 60_000 }).toBe(true);
    } finally {
      process.kill(first.pid, 'SIGCONT');
    }
    await expect.poll(() => writesTo(first), { timeout: 60_000 }).toBe(true);
  });

  it('fails over to the next server while the first is read-only', async () => {
    const [first, second] = servers as [MysqlServer, MysqlServer];
    const { id } = await createSession(api);
    const connection = await connectMysql(first.url);
    const before = await sessionsOn(second);
    await connection.query('SET GLOBAL read_only = 1');
    const create = async () =>
      (await api.send('POST', '/api/chat-sessions', {})).status;
    await expect.poll(create, { timeout: 60_000 }).toBe(201);
    expect(await sessionsOn(second)).toBe(before + 1);
    expect((await api.send('GET', '/health/ready')).status).toBe(200);
    await connection.query('SET GLOBAL read_only = 0');
    await connection.end();
    const appended = async () => (await append(api, id, MESSAGE)).status;
    await expect.poll(appended, { timeout: 60_000 }).toBe(201);
  });

  it('fails over because of readiness alone: balancers send nothing else then', async () => {
    const [first] = servers as [MysqlServer, MysqlServer];
    const ready = async () => (await api.send('GET', '/health/ready')).status;
    const connection = await connectMysql(first.url);
    await connection.query('SET GLOBAL read_only = 1');
    expect(await ready()).toBe(503);
    await expect.poll(ready, { timeout: 20_000 }).toBe(200);
    await connection.query('SET GLOBAL read_only = 0');
    await connection.end();
  });
}

function withMovedName() {
  const moved: MysqlServer[] = [];
  let proxy: TcpProxy;
  const behindName = useTestApp({
    createDatabase: async () => {
      moved.push(await startPreparedServer(), await startPreparedServer());
      proxy = await TcpProxy.before(portOf(moved[0]!));
      const url = new URL(urlOf(moved.slice(0, 1)));
      url.port = String(proxy.port);
      return { url: url.href, remove: () => proxy.stop() };
    },
  });
  afterAll(async () => {
    for (const server of moved) await server.stop();
  });

  it('is ready at the second check, although connections to the old writer are open', async () => {
    const [first, second] = moved as [MysqlServer, MysqlServer];
    const ready = async () =>
      (await behindName.send('GET', '/health/ready')).status;
    await Promise.all(
      Array.from({ length: 20 }, () => createSession(behindName)),
    );
    const connection = await connectMysql(first.url);
    await connection.query('SET GLOBAL read_only = 1');
    await connection.end();
    proxy.leadTo(portOf(second));
    expect([await ready(), await ready()]).toEqual([503, 200]);
    await createSession(behindName);
    expect(await sessionsOn(second)).toBe(1);
  });
}

function withOneServer() {
  let server: MysqlServer;
  const alone = useTestApp({
    createDatabase: async () => {
      server = await startPreparedServer();
      return { url: urlOf([server]), remove: () => server.stop() };
    },
    environment: LIMITS,
  });

  it('is not ready while it is read-only, and takes writes afterwards', async () => {
    const { id } = await createSession(alone);
    const connection = await connectMysql(server.url);
    await connection.query('SET GLOBAL read_only = 1');
    const answer = await append(alone, id, MESSAGE);
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    const ready = async () => (await alone.send('GET', '/health/ready')).status;
    expect(await ready()).toBe(503);
    expect((await getPage(alone, id)).messages).toEqual([]);
    await connection.query('SET GLOBAL read_only = 0');
    await connection.end();
    expect((await append(alone, id, MESSAGE)).status).toBe(201);
    await expect.poll(ready, { timeout: 60_000 }).toBe(200);
  });
}

function withProxy() {
  let proxy: TcpProxy;
  const behindProxy = useTestApp({
    createDatabase: async () => {
      const database = await createProxiedDatabase(inject('mysqlUrl'));
      proxy = database.proxy;
      return database;
    },
  });
  afterAll(() => proxy?.stop());

  it.each([
    ['before COMMIT', 'cut before COMMIT', 0],
    ['before the reply to COMMIT', 'cut reply', 1],
  ] as const)('%s leaves the outcome unknown', async (_, kind, stored) => {
    const { id } = await createSession(behindProxy);
    proxy.inject({ kind, every: 1 });
    let answer: Awaited<ReturnType<typeof append>>;
    try {
      answer = await append(behindProxy, id, MESSAGE);
    } finally {
      await proxy.heal();
    }
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    expect(answer.text).toContain('its outcome is unknown');
    // Tried once: a second try might have written it twice.
    const { messages } = await getPage(behindProxy, id);
    expect(messages.map(({ seq }) => seq)).toEqual(numbers(1, stored));
    expect((await append(behindProxy, id, MESSAGE)).status).toBe(201);
  });
}

describe('several hosts', withTwoServers);
describe('a server', withOneServer);
describe('a name that leads to another server', withMovedName);
describe('a connection that is lost at the end of a write', withProxy);
