import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KeepAliveClient } from '../support/keep-alive-client.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import { startMysqlServer } from '../support/mysql-server.js';
import type {
  Environment,
  ServiceProcess,
} from '../support/service-process.js';
import { STORE } from '../support/stores.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { createTestDatabase } from '../support/test-database.js';
import { startTestService } from '../support/test-service.js';

const LIMIT = { timeout: 60_000, interval: 50 };

async function start(environment: Environment): Promise<ServiceProcess> {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  return startTestService({
    DATABASE_URL: database.url,
    DATABASE_MIGRATE: 'true',
    ...environment,
  });
}

/** Sends SIGTERM and waits for the end of the process. */
async function terminate({ process }: ServiceProcess) {
  const signalledAt = performance.now();
  process.signal('SIGTERM');
  const ending = await process.ended;
  return { ...ending, seconds: (performance.now() - signalledAt) / 1000 };
}

/** Waits until the service refuses new connections. */
async function refusesConnections({ url }: ServiceProcess): Promise<void> {
  await expect
    .poll(async () => (await openClient(url).get('/health/live')).error, LIMIT)
    .toBe('ECONNREFUSED');
}

function openClient(url: string): KeepAliveClient {
  const client = new KeepAliveClient(url);
  onTestFinished(() => client.close());
  return client;
}

/** A connection without a request. */
async function unusedConnection(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Creates a session with 4 MB of messages and returns its path. */
async function longSession(url: string): Promise<string> {
  const client = openClient(url);
  const content = 'x'.repeat(250_000);
  const messages = Array.from({ length: 4 }, () => ({ role: 'user', content }));
  const { body = '' } = await client.post('/api/chat-sessions', { messages });
  const { chat_session } = JSON.parse(body) as { chat_session: { id: string } };
  const path = `/api/chat-sessions/${chat_session.id}`;
  for (let i = 1; i < 4; i++) {
    await client.post(`${path}/messages`, { messages });
  }
  return path;
}

/**
 * Starts a request and waits until the service has read its head, which it
 * confirms with "100 Continue". The body ends with `sent.end()`.
 */
async function requestInFlight(method: string, url: string) {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const sent = request(url, {
    method,
    agent,
    headers: { 'content-type': 'application/json', expect: '100-continue' },
  });
  const response = responseTo(sent);
  sent.flushHeaders();
  await once(sent, 'continue');
  return { sent, response };
}

/** Status and Connection header, or the code of the error. */
async function responseTo(sent: ReturnType<typeof request>) {
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    await text(response);
    const { statusCode, headers } = response;
    return { status: statusCode, connection: headers.connection };
  } catch (error) {
    return { error: (error as NodeJS.ErrnoException).code };
  }
}

/** A create whose body the test has not sent yet. */
function createInFlight({ url }: ServiceProcess) {
  return requestInFlight('POST', `${url}/api/chat-sessions`);
}

describe('a request in flight', () => {
  it('gets its response after the service has stopped listening; idle connections do not delay the exit', async () => {
    const service = await start({ DRAIN_MS: '100' });
    const { sent, response } = await createInFlight(service);
    await openClient(service.url).get('/health/live');
    const unused = (await unusedConnection(service.url)).resume();
    const isClosed = once(unused, 'close');

    service.process.signal('SIGTERM');
    await refusesConnections(service);
    await isClosed;
    sent.end('{}');
    expect(await response).toEqual({ status: 201, connection: 'close' });
    const { exitCode, stdout, stderr } = await service.process.ended;
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).not.toContain('Cutting off');
  });

  it('gets its whole response if the client reads slowly', async () => {
    const service = await start({});
    const path = await longSession(service.url);
    const socket = await unusedConnection(service.url);
    // More than the system buffers for a connection.
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(3));
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk) => (received += chunk));
    await once(socket, 'data');
    socket.pause();
    // The service has then written the three earlier responses, too.
    for (let later = 0; later < 5; later++) {
      expect(await openClient(service.url).get(path)).toMatchObject({
        status: 200,
      });
    }
    const idle = (await unusedConnection(service.url)).resume();
    service.process.signal('SIGTERM');
    // The service closes idle connections: not this one, which waits for its client.
    await once(idle, 'close');
    socket.resume();
    await once(socket, 'close');
    const { exitCode, stdout } = await service.process.ended;
    expect(received.match(/HTTP\/1\.1 \d+ /g)).toEqual(
      Array(3).fill('HTTP/1.1 200 '),
    );
    expect(received.length).toBeGreaterThan(3 * 4_000_000);
    expect(stdout).not.toContain('Cutting off');
    expect(exitCode).toBe(0);
  });

  if (STORE === 'sqlite') {
    it('is cut off after 20 s if its body does not arrive', async () => {
      const service = await start({});
      const { sent, response } = await createInFlight(service);
      sent.write('{');
      const { exitCode, stdout, seconds } = await terminate(service);
      expect(await response).toEqual({ error: 'ECONNRESET' });
      expect(seconds).toBeGreaterThan(19);
      expect(stdout).toContain('Cutting off 1 connections');
      expect(exitCode).toBe(0);
    });
  }

  if (STORE === 'mysql') {
    it('is cut off after 20 s if the store does not respond', async () => {
      const server = await startMysqlServer();
      onTestFinished(() => server.stop());
      const service = await start({
        DATABASE_URL: (await createMysqlDatabase(server.url)).url,
      });
      process.kill(server.pid, 'SIGSTOP');
      const { sent, response } = await requestInFlight(
        'GET',
        `${service.url}/api/history`,
      );
      sent.end();
      const { exitCode, stderr, seconds } = await terminate(service);
      expect(await response).toEqual({ error: 'ECONNRESET' });
      expect(seconds).toBeGreaterThan(19);
      expect(stderr).toContain('The store does not close');
      expect(exitCode).toBe(1);
    });
  }
});

describe('SIGTERM', () => {
  it('does not wait for idle connections', async () => {
    const service = await start({});
    await openClient(service.url).get('/health/live');
    await unusedConnection(service.url);
    const { exitCode, stdout } = await terminate(service);
    expect(stdout).not.toContain('Cutting off');
    expect(exitCode).toBe(0);
  });
});

describe('HOST=localhost', () => {
  it('listens on one address, since a shutdown waits for the requests of one', async () => {
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
    const { port } = new URL(service.url);
    const [first, second] = ['127.0.0.1', '127.0.0.2'].map((address) =>
      openClient(`http://${address}:${port}`).get('/health/live'),
    );
    expect(await first).toMatchObject({ status: 200 });
    expect(await second).toMatchObject({ error: 'ECONNREFUSED' });
  });
});
