import { expect, it } from 'vitest';
import { Draining } from '../../src/http/draining.js';
import { errorBody, NOBODYS_ID } from '../support/api.js';
import { exchange } from '../support/exchange.js';
import { KeepAliveClient } from '../support/keep-alive-client.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const REQUESTS: ['GET' | 'POST', string, number, Record<string, unknown>?][] = [
  ['GET', '/api/chat-sessions', 200],
  ['POST', '/api/chat-sessions', 201, {}],
  ['GET', `/api/chat-sessions/${NOBODYS_ID}`, 404],
  ['GET', '/no/such/route', 404],
  ['GET', '/api/chat-sessions/%', 400],
  ['POST', '/api/chat-sessions', 400, { unknown: 1 }],
  ['GET', '/api/docs', 200],
  ['GET', '/health/live', 200],
];

/** Sends all requests over a kept connection; resolves to their statuses and Connection headers. */
async function responses(url: string): Promise<string[]> {
  const client = new KeepAliveClient(url);
  const lines: string[] = [];
  try {
    for (const [method, path, , body] of REQUESTS) {
      const { status, connection } =
        method === 'GET'
          ? await client.get(path)
          : await client.post(path, body ?? {});
      lines.push(`${path} ${status} ${connection}`);
    }
  } finally {
    client.close();
  }
  return lines;
}

it('a draining service answers all requests, closes their connections, and is not ready', async () => {
  const url = await api.listen();
  expect(await responses(url)).toEqual(
    REQUESTS.map(([, path, status]) => `${path} ${status} keep-alive`),
  );
  const readiness = async () => (await api.send('GET', '/health/ready')).status;
  await expect.poll(readiness, { timeout: 60_000 }).toBe(200);
  api.logger.errors.length = 0;

  api.app.get(Draining).onModuleDestroy();
  expect(await responses(url)).toEqual(
    REQUESTS.map(([, path, status]) => `${path} ${status} close`),
  );
  const expectation = 'GET / HTTP/1.1\r\nHost: x\r\nExpect: much\r\n\r\n';
  const { head } = await exchange(new URL(url), expectation);
  expect(head).toContain('connection: close');
  const { status, body } = await api.send('GET', '/health/ready');
  expect([status, body]).toEqual([503, errorBody('Service Unavailable')]);
  expect(api.logger.errors).toEqual([]);
});
