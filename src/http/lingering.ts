import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { onEveryRequest } from './connections.js';
import { hasBody } from './request.js';

/** Longest time that a connection is read after the response, in milliseconds. */
const LINGER_MS = 20_000;
/** Most bytes that are read after the response (64 MiB). */
const LINGER_BYTES = 64 * 2 ** 20;
const CHECK_MS = 100;

const closing = new WeakSet<Socket>();

/** Whether a connection is only read so that its client gets the last response. It takes no more requests. */
export function isLingering(socket: Socket): boolean {
  return closing.has(socket);
}

/**
 * If a response is sent before its request's body has arrived (413, 401, 429
 * and others), reads the rest of the body and throws it away, within limits of
 * time and bytes. If the server closed the connection while the client still
 * sends, the client's system would drop the response: the client would see a
 * reset, and repeat the request. nginx calls this lingering_close.
 */
export function lingerOnEarlyResponses(server: Server): void {
  onEveryRequest(server, (request, response) => {
    if (!hasBody(request)) return;
    // A client may pipeline another request before it reads the response.
    if (isLingering(request.socket)) return void request.resume();
    // Node's own listener, which comes after this one, may end the connection.
    response.prependOnceListener('finish', () => {
      if (!request.complete && !request.socket.destroyed) readOn(request);
    });
  });
}

function readOn(request: IncomingMessage): void {
  const { socket } = request;
  const stop = limit(socket);
  // Node calls it after a response with `Connection: close`.
  socket.destroySoon = () => {
    closing.add(socket);
    socket.end();
    socket.once('end', () => socket.destroy());
  };
  request
    .unpipe()
    .resume()
    .once('end', () => {
      if (closing.has(socket)) return;
      stop();
      Reflect.deleteProperty(socket, 'destroySoon');
    });
}

/** Ends a connection whose request is malformed, as soon as its client has ended it too. */
export function endMalformed(socket: Socket, response: string): void {
  closing.add(socket);
  limit(socket);
  socket.end(response);
  socket.on('data', () => undefined).once('end', () => socket.destroy());
}

/** Destroys a connection that is read for too long. Returns a function that lifts the limits. */
function limit(socket: Socket): () => void {
  const bytes = socket.bytesRead + LINGER_BYTES;
  const until = performance.now() + LINGER_MS;
  const check = setInterval(() => {
    if (socket.bytesRead > bytes || performance.now() > until) socket.destroy();
  }, CHECK_MS).unref();
  const stop = () => {
    clearInterval(check);
    socket.off('close', stop);
  };
  socket.once('close', stop);
  return stop;
}
