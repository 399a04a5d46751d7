import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { connectMysql } from '../support/mysql-connection.js';
import {
  createMysqlDatabase,
  createProxiedDatabase,
} from '../support/mysql-database.js';
import { startMysqlServer } from '../support/mysql-server.js';
import { inParallel } from '../support/parallel.js';
import { failToStart, type Ending } from '../support/service-process.js';
import { STORE } from '../support/stores.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { createTestDatabase } from '../support/test-database.js';
import { startTestService } from '../support/test-service.js';

const SECRET = 'hunter2';

/** An operator must see the reason in one line, without a stack or a secret. */
function expectOneLine({ stderr, stdout }: Ending, reason: RegExp) {
  expect(stderr).toMatch(/^Chat Sessions: [^\n]+\n$/);
  expect(stderr).toMatch(reason);
  expect(stdout + stderr).not.toContain(SECRET);
  expect(stderr).not.toMatch(/\.[jt]s:\d+/);
}

/** A server on the loopback that accepts connections and sends nothing. */
async function silentServer(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

async function refusedPort(): Promise<number> {
  const { server, port } = await silentServer();
  server.close();
  await once(server, 'close');
  return port;
}

/** The URL of an empty database, which is removed after the test. */
async function useDatabase(): Promise<string> {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  return database.url;
}

type Case = [what: string, url: () => string | Promise<string>, reason: RegExp];

const withoutServer: Case[] = [
  [
    'has an unknown scheme',
    () => `postgres://chat:${SECRET}@127.0.0.1/chat`,
    /DATABASE_URL must be sqlite:PATH or mysql:/,
  ],
  [
    'has a password with characters that are not encoded',
    () => `mysql://chat:@/#?${SECRET}@127.0.0.1/chat`,
    /DATABASE_URL must be sqlite:PATH or mysql:/,
  ],
  [
    'has a password in its query',
    () => `mysql://127.0.0.1/chat?password=${SECRET}`,
    /DATABASE_URL must be sqlite:PATH or mysql:/,
  ],
  [
    'names a port without a listener, and has an encoded password',
    async () =>
      `mysql://chat:%40%2F%23${SECRET}@127.0.0.1:${await refusedPort()}/chat`,
    /DATABASE_URL: .*ECONNREFUSED/,
  ],
  [
    'names a port without a listener',
    async () => `mysql://chat:${SECRET}@127.0.0.1:${await refusedPort()}/chat`,
    /DATABASE_URL: .*ECONNREFUSED/,
  ],
  [
    'names an unknown host',
    () => `mysql://chat:${SECRET}@nowhere.invalid/chat`,
    /DATABASE_URL: .*(ENOTFOUND|EAI_AGAIN)/,
  ],
  [
    'names a server that accepts connections and never responds',
    async () =>
      `mysql://chat:${SECRET}@127.0.0.1:${(await silentServer()).port}/chat`,
    /DATABASE_URL: .*ETIMEDOUT/,
  ],
  [
    'names a directory that cannot be created',
    () => {
      const file = join(temporaryDirectory(), 'file');
      writeFileSync(file, '');
      return `sqlite:${file}/chat.sqlite`;
    },
    /DATABASE_URL: .*(ENOTDIR|EEXIST)/,
  ],
  [
    'names a directory instead of a file',
    () => `sqlite:${tmpdir()}`,
    /DATABASE_URL: unable to open database file/,
  ],
  [
    'names a file that is not a database',
    () => {
      const file = join(temporaryDirectory(), 'chat.sqlite');
      writeFileSync(file, 'Not a database. '.repeat(100));
      return `sqlite:${file}`;
    },
    /DATABASE_URL: file is not a database/,
  ],
];

const onServer: Case[] = [
  [
    'has a wrong password',
    async () => {
      const url = new URL(await useDatabase());
      url.password = SECRET;
      return url.href;
    },
    /DATABASE_URL: Access denied/,
  ],
  [
    'names an unknown database',
    () => new URL('no_such_database', inject('mysqlUrl')).href,
    /DATABASE_URL: Unknown database/,
  ],
];

describe('a start', () => {
  it.each(STORE === 'mysql' ? onServer : withoutServer)(
    'fails with one line if DATABASE_URL %s',
    async (_what, url, reason) => {
      const ending = await failToStart({
        DATABASE_URL: await url(),
        DATABASE_CONNECT_TIMEOUT_MS: '10000',
      });
      expectOneLine(ending, reason);
      expect(ending.exitCode).toBe(1);
    },
  );

  it('fails with one line if the port is in use', async () => {
    const { port } = await silentServer();
    const ending = await failToStart({
      DATABASE_URL: await useDatabase(),
      DATABASE_MIGRATE: 'true',
      PORT: String(port),
    });
    expectOneLine(ending, /PORT=\d+: .*EADDRINUSE/);
    expect(ending.exitCode).toBe(1);
  });
});

describe('SIGTERM', () => {
  it('ends an idle service with exit code 0', async () => {
    const service = await startTestService({
      DATABASE_URL: await useDatabase(),
      DATABASE_MIGRATE: 'true',
    });
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    const { exitCode, stderr } = await service.stop();
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });
});

if (STORE === 'mysql') {
  it('waits for a database that is down, as long as DATABASE_WAIT_MS says', async () => {
    const server = await startMysqlServer();
    onTestFinished(() => server.stop());
    const { url } = await createMysqlDatabase(server.url);
    await server.kill();
    const environment = { DATABASE_URL: url, DATABASE_MIGRATE: 'true' };
    const ending = await failToStart({
      ...environment,
      DATABASE_WAIT_MS: '1000',
    });
    expect(ending.exitCode).toBe(1);
    expect(ending.stderr).toMatch(
      /^Chat Sessions: Cannot open DATABASE_URL: .*ECONNREFUSED.*; waiting for up to 1 s\nChat Sessions: .*ECONNREFUSED.*\n$/,
    );
    const starting = startTestService({
      ...environment,
      DATABASE_WAIT_MS: '600000',
    });
    await server.restart();
    const service = await starting;
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
  });
}

if (STORE === 'mysql') {
  it('waits for a server that has no connection left', async () => {
    const server = await startMysqlServer({
      options: ['--max-connections=10'],
    });
    onTestFinished(() => server.stop());
    const { url } = await createMysqlDatabase(server.url);
    // One more than the maximum, which the server keeps for an administrator.
    // The connection that created the database may end a moment later.
    const others = await inParallel(11, () =>
      vi.waitFor(() => connectMysql(server.url), 60_000),
    );
    onTestFinished(() => others.forEach((one) => one.destroy()));
    const environment = {
      DATABASE_URL: url,
      DATABASE_MIGRATE: 'true',
      DATABASE_POOL_SIZE: '4',
    };
    const ending = await failToStart(environment);
    expect(ending.stderr).toContain('Too many connections');
    const starting = startTestService({
      ...environment,
      DATABASE_WAIT_MS: '600000',
    });
    await sleep(1_000);
    for (const one of others) one.destroy();
    const service = await starting;
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
  });
}

if (STORE === 'mysql') {
  it('starts on a server 400 ms away with a DATABASE_CONNECT_TIMEOUT_MS, and serves', async () => {
    const database = await createProxiedDatabase(inject('mysqlUrl'));
    onTestFinished(async () => {
      await database.proxy.stop();
      await database.remove();
    });
    const environment = {
      DATABASE_URL: database.url,
      DATABASE_MIGRATE: 'true',
    };
    // The default is too short for a server that is a little further away.
    database.proxy.inject({ kind: 'latency', milliseconds: 300 });
    const ending = await failToStart(environment, { asShipped: true });
    expect(ending.stderr).toContain('ETIMEDOUT');
    database.proxy.inject({ kind: 'latency', milliseconds: 200 });
    const { url } = await startTestService({
      ...environment,
      DATABASE_CONNECT_TIMEOUT_MS: '60000',
    });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    // More than the connections that are open already.
    const created = await inParallel(10, () =>
      fetch(`${url}/api/chat-sessions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
        },
        body: '{"messages":[{"role":"user","content":"Hello"}]}',
      }),
    );
    expect(created.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect((await fetch(`${url}/api/chat-sessions`)).status).toBe(200);
  });
}

it.each(['100', '3000'])(
  'gives up on a server that is silent after DATABASE_CONNECT_TIMEOUT_MS=%s',
  async (timeout) => {
    const { port } = await silentServer();
    const start = performance.now();
    const ending = await failToStart({
      DATABASE_URL: `mysql://chat@127.0.0.1:${port}/chat`,
      DATABASE_CONNECT_TIMEOUT_MS: timeout,
    });
    expect(ending.stderr).toContain('ETIMEDOUT');
    expect(performance.now() - start).toBeGreaterThan(Number(timeout));
  },
);
