import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { KeepAliveClient } from '../support/keep-alive-client.js';
import { startMysqlServer } from '../support/mysql-server.js';
import {
  type Environment,
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import {
  createMysqlDatabase,
  createTestDatabase,
} from '../support/test-database.js';

async function start(environment: Environment): Promise<ServiceProcess> {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  return startService({
    DATABASE_URL: database.url,
    DATABASE_MIGRATE: 'true',
    ...environment,
  });
}

/** Sends SIGTERM. */
async function endOf({ process }: ServiceProcess) {
  const signalledAt = performance.now();
  process.signal('SIGTERM');
  const { exitCode, stdout, stderr } = await process.ended;
  const seconds = (performance.now() - signalledAt) / 1000;
  return { exitCode, stdout, stderr, seconds };
}

/** Connected, and silent. */
async function unusedConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** The path of a session with 4 MB of messages. */
async function longSession(url: string): Promise<string> {
  const client = new KeepAliveClient(url);
  const content = 'x'.repeat(250_000);
  const messages = Array.from({ length: 4 }, () => ({ role: 'user', content }));
  const { body = '' } = await client.post('/api/chat-sessions', { messages });
  const { chat_session } = JSON.parse(body) as { chat_session: { id: string } };
  const path = `/api/chat-sessions/${chat_session.id}`;
  for (let i = 1; i < 4; i++) {
    await client.post(`${path}/messages`, { messages });
  }
  client.close();
  return path;
}

/** A request whose body is complete when the test says so, on a service that is about to end. */
async function startSlowRequest(environment: Environment) {
  const service = await start(environment);
  const client = new KeepAliveClient(service.url);
  let finish = () => {};
  const end = new Promise<void>((resolve) => (finish = resolve));
  const answer = client.postSlowly('/api/chat-sessions', {}, end);
  await sleep(100); // Its beginning arrives.
  return { service, answer, finish };
}

describe('a request in flight', () => {
  it('is answered after the service has stopped listening, and nothing else is waited for', async () => {
    const { service, answer, finish } = await startSlowRequest({
      DRAIN_MS: '100',
    });
    const idle = new KeepAliveClient(service.url);
    await idle.get('/health/live');
    const unused = await unusedConnection(service.url);

    service.process.signal('SIGTERM');
    await sleep(1500);
    const late = await new KeepAliveClient(service.url).get('/health/live');
    expect(late.error).toBe('ECONNREFUSED');
    finish();
    expect(await answer).toMatchObject({ status: 201, connection: 'close' });
    const answeredAt = performance.now();
    const { exitCode, stderr } = await service.process.ended;
    expect(performance.now() - answeredAt).toBeLessThan(2000);
    expect([exitCode, stderr]).toEqual([0, '']);
    idle.close();
    unused.destroy();
  });

  it('is answered in full where the client reads slowly', async () => {
    const service = await start({});
    const path = await longSession(service.url);
    const socket = await unusedConnection(service.url);
    // Together more than the system takes off the service's hands.
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(3));
    let received = 0;
    socket.on('data', ({ length }) => (received += length));
    await once(socket, 'data');
    socket.pause();
    await sleep(500); // All answers are written.
    service.process.signal('SIGTERM');
    await sleep(500); // The service has stopped listening.
    socket.resume();
    const { exitCode } = await service.process.ended;
    expect(received).toBeGreaterThan(3 * 4_000_000);
    expect(exitCode).toBe(0);
  });

  if (inject('store') === 'sqlite') {
    it('holds the end for 20 s at most where its body does not arrive', async () => {
      const { service, answer } = await startSlowRequest({});
      const { exitCode, stdout, seconds } = await endOf(service);
      expect(await answer).toMatchObject({ error: 'ECONNRESET' });
      expect(seconds).toBeGreaterThan(19);
      expect(seconds).toBeLessThan(24);
      expect(stdout).toContain('Cutting off 1 connections');
      expect(exitCode).toBe(0);
    });
  }

  if (inject('store') === 'mysql') {
    it('holds the end for 20 s at most where the store does not answer', async () => {
      const server = await startMysqlServer();
      onTestFinished(() => server.stop());
      const { url: DATABASE_URL } = await createMysqlDatabase(server.url);
      // Later than the end has time.
      const REQUEST_DEADLINE_MS = '60000';
      const service = await start({ DATABASE_URL, REQUEST_DEADLINE_MS });
      process.kill(server.pid, 'SIGSTOP');
      const client = new KeepAliveClient(service.url);
      const answer = client.get('/api/history');
      await sleep(200); // Its query is under way.
      const { exitCode, stderr, seconds } = await endOf(service);
      process.kill(server.pid, 'SIGCONT');
      expect(await answer).toMatchObject({ error: 'ECONNRESET' });
      expect(seconds).toBeGreaterThan(19);
      expect(seconds).toBeLessThan(24);
      expect(stderr).toContain('The store does not close');
      expect(exitCode).toBe(1);
    });
  }
});

describe('SIGTERM', () => {
  it('does not wait for connections that nobody uses', async () => {
    const service = await start({});
    const idle = new KeepAliveClient(service.url);
    await idle.get('/health/live');
    const unused = await unusedConnection(service.url);
    const { exitCode, seconds } = await endOf(service);
    expect(seconds).toBeLessThan(2);
    expect(exitCode).toBe(0);
    idle.close();
    unused.destroy();
  });
});

describe('HOST=localhost', () => {
  it('is one address, since the end would not wait for requests on a second one', async () => {
    const twoAddresses = join(temporaryDirectory(), 'two-addresses.cjs');
    writeFileSync(
      twoAddresses,
      `const dns = require('node:dns');
      const { lookup } = dns;
      dns.lookup = (host, options, callback) =>
        options.all
          ? callback(null, ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 })))
          : lookup(host, options, callback);`,
    );
    const service = await start({
      HOST: 'localhost',
      NODE_OPTIONS: `--require ${twoAddresses}`,
    });
    onTestFinished(async () => {
      await service.stop();
    });
    const { port } = new URL(service.url);
    const [first, second] = ['127.0.0.1', '127.0.0.2'].map((address) =>
      new KeepAliveClient(`http://${address}:${port}`).get('/health/live'),
    );
    expect(await first).toMatchObject({ status: 200 });
    expect(await second).toMatchObject({ error: 'ECONNREFUSED' });
  });
});
