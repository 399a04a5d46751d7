import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client } from './client.js';

/** A server that gives these answers, one after the other, and remembers when. */
async function serve(answers: [status: number, headers: object][]) {
  const times: number[] = [];
  const server = createServer((_, response) => {
    const [status, headers] = answers[times.length] ?? [200, {}];
    times.push(performance.now());
    response.writeHead(status, { ...headers }).end('{"error":"x"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { client: new Client(`http://127.0.0.1:${port}`), times };
}

describe('Client', () => {
  it.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2000).toUTCString()],
  ])('waits as long as Retry-After says, in %s', async (_, retryAfter) => {
    const { client, times } = await serve([
      [429, { 'retry-after': retryAfter() }],
      [200, {}],
    ]);
    await client.post('api/chat-sessions', {});
    expect(times).toHaveLength(2);
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(1000);
  });

  it('gives up where the server asks for more than five minutes', async () => {
    const { client, times } = await serve([[429, { 'retry-after': '301' }]]);
    await expect(client.get('api/history')).rejects.toThrow('429 x');
    expect(times).toHaveLength(1);
  });

  it('gives up after the fifth answer that may pass', async () => {
    const { client, times } = await serve(
      Array<[number, object]>(9).fill([503, {}]),
    );
    await expect(client.get('api/history')).rejects.toThrow('503 x');
    expect(times).toHaveLength(5);
  });
});
