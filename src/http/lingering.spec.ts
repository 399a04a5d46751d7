import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  endMalformed,
  isLingering,
  lingerOnEarlyResponses,
} from './lingering.js';

const LIMIT_S = 20;
const MIB = Buffer.alloc(2 ** 20, 'x');
const LIMIT_MIB = 64;

/** Only the clock of the limits: Node's sockets have timers of their own. */
function stopClock(): void {
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'performance'],
  });
}

afterEach(() => {
  vi.useRealTimers();
});

/** A connection to a server that answers 413 before it has read a body, and the server's end of it. */
async function connection(headers: Record<string, string>) {
  const server = createServer((_request, response) => {
    response.writeHead(413, { 'content-length': 0, ...headers }).end();
  });
  server.on('clientError', (_error, socket) => {
    if (isLingering(socket as Socket)) return;
    endMalformed(socket as Socket, 'HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  lingerOnEarlyResponses(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const accepted = once(server, 'connection');
  const { port } = server.address() as AddressInfo;
  // It goes on sending when the server has ended its side.
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void client.destroy());
  // The server resets a connection that it gives up.
  client.on('error', () => undefined);
  const [socket] = (await accepted) as [Socket];
  return { client, socket, closed: once(socket, 'close') };
}

function headOf(bytes: number): string {
  return `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n`;
}

/** Sends the head of a request, and waits for the response to it. */
async function answered(client: Socket, head: string): Promise<string> {
  client.write(head);
  const [response] = (await once(client, 'data')) as [Buffer];
  return response.toString().split('\r\n')[0]!;
}

/** Resolves when the other end has read everything. */
async function sent(client: Socket, socket: Socket, bytes: Buffer) {
  const expected = socket.bytesRead + bytes.length;
  client.write(bytes);
  await vi.waitUntil(() => socket.destroyed || socket.bytesRead === expected, {
    timeout: 60_000,
    interval: 5,
  });
}

const CLOSE = { connection: 'close' };

describe.each([
  ['a body', headOf(2 ** 40), CLOSE, 'HTTP/1.1 413 Payload Too Large'],
  [
    'a body, if it stays open',
    headOf(2 ** 40),
    {},
    'HTTP/1.1 413 Payload Too Large',
  ],
  ['malformed HTTP', 'x\r\n\r\n', CLOSE, 'HTTP/1.1 400 Bad Request'],
])('a connection with an early response to %s', (_, head, headers, status) => {
  it('is read for 20 s, however slowly its client sends', async () => {
    stopClock();
    const { client, socket } = await connection(headers);
    expect(await answered(client, head)).toBe(status);
    for (let second = 1; second < LIMIT_S; second++) {
      await sent(client, socket, Buffer.from('x'));
      vi.advanceTimersByTime(1_000);
      expect(socket.destroyed).toBe(false);
    }
    vi.advanceTimersByTime(1_100);
    expect(socket.destroyed).toBe(true);
  });

  it('is read for 64 MiB, however fast its client sends', async () => {
    stopClock();
    const { client, socket } = await connection(headers);
    expect(await answered(client, head)).toBe(status);
    for (let mib = 0; mib < LIMIT_MIB; mib++) {
      await sent(client, socket, MIB);
      vi.advanceTimersByTime(100);
      expect(socket.destroyed).toBe(false);
    }
    await sent(client, socket, MIB);
    vi.advanceTimersByTime(100);
    expect(socket.destroyed).toBe(true);
  });

  it('is closed as soon as its client has ended it', async () => {
    stopClock();
    const { client, closed } = await connection(headers);
    await answered(client, head);
    client.end();
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('a connection has no limits any more after the body, and takes another request', async () => {
  stopClock();
  const { client, socket } = await connection({});
  const listeners = socket.listenerCount('close');
  const body = MIB;
  expect(await answered(client, headOf(body.length))).toContain('413');
  await sent(client, socket, body);
  await vi.waitUntil(() => vi.getTimerCount() === 0, { timeout: 60_000 });
  expect(socket.listenerCount('close')).toBe(listeners);
  vi.advanceTimersByTime(2_000 * LIMIT_S);
  expect(socket.destroyed).toBe(false);
  expect(await answered(client, headOf(body.length))).toContain('413');
});
