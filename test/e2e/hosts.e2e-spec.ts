import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { Config } from '../../src/app/config/config.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { connectMysql } from '../../src/database/mysql/connection.js';
import { append, createSession, getPage, numbers } from '../support/api.js';
import { TcpProxy } from '../support/faults/tcp-proxy.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { type MysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { onMysql, onSqlite, STORE } from '../support/stores.js';
import { TestApp, useTestApp } from '../support/test-app.js';

const NAME = 'chat';
const DEADLINE_MS = '1000';
const MESSAGE = { role: 'user', content: 'Hello' };

let servers: MysqlServer[];
let api: TestApp;

async function startServer(): Promise<MysqlServer> {
  const server = await startMysqlServer();
  const connection = await connectMysql(server.url);
  await connection.query(`CREATE DATABASE ${NAME}`);
  await connection.end();
  const dataSource = await openDataSource(
    Object.assign(new Config(), {
      DATABASE_URL: new URL(NAME, server.url).href,
      DATABASE_MIGRATE: true,
    }),
  );
  await dataSource.destroy();
  return server;
}

async function sessionsOn({ url }: MysqlServer): Promise<number> {
  const connection = await connectMysql(new URL(NAME, url).href);
  const [rows] = await connection.query(
    'SELECT COUNT(*) AS n FROM chat_sessions',
  );
  await connection.end();
  return Number((rows as { n: number }[])[0]!.n);
}

function withTwoServers() {
  beforeAll(async () => {
    servers = [await startServer(), await startServer()];
    const hosts = servers.map(({ url }) => new URL(url).host).join(',');
    const url = `mysql://root@${hosts}/${NAME}`;
    api = new TestApp({
      createDatabase: async () => ({ url, remove: async () => undefined }),
      environment: { REQUEST_DEADLINE_MS: DEADLINE_MS },
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
      await expect.poll(() => writesTo(second), { timeout: 10_000 }).toBe(true);
    } finally {
      process.kill(first.pid, 'SIGCONT');
    }
    await expect.poll(() => writesTo(first), { timeout: 10_000 }).toBe(true);
  });
}

function withProxy() {
  let proxy: TcpProxy;
  const behindProxy = useTestApp({
    createDatabase: async () => {
      const database = await createMysqlDatabase(inject('mysqlUrl'));
      const url = new URL(database.url);
      proxy = await TcpProxy.before(Number(url.port || 3306));
      url.port = String(proxy.port);
      return { ...database, url: url.href };
    },
  });
  afterAll(() => proxy?.stop());

  it.each([
    ['before COMMIT', 'cut before COMMIT', 0],
    ['before the reply to COMMIT', 'cut reply', 1],
  ] as const)('%s leaves the outcome unknown', async (_, kind, stored) => {
    const { id } = await createSession(behindProxy);
    proxy.inject({ kind, every: 1 });
    const answer = await append(behindProxy, id, MESSAGE);
    await proxy.heal();
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    expect(answer.text).toContain('its outcome is unknown');
    // Tried once: a second try might have written it twice.
    const { messages } = await getPage(behindProxy, id);
    expect(messages.map(({ seq }) => seq)).toEqual(numbers(1, stored));
    expect((await append(behindProxy, id, MESSAGE)).status).toBe(201);
  });
}

onMysql.describe('several hosts', withTwoServers);
onMysql.describe('a connection that is lost at the end of a write', withProxy);
onSqlite.describe('hosts', () => {
  it('are for servers', () => expect(STORE).toBe('sqlite'));
});
