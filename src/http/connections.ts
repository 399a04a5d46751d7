import { Logger } from '@nestjs/common';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { hasBody } from './request.js';

/** How often idle connections are looked for while the server closes; a request that begins has this long to arrive. */
const IDLE_CHECK_MS = 250;
/** Grace period for requests in flight. With a drain of 5 s it is within the 30 s that Kubernetes gives. */
const GRACE_MS = 20_000;

/** A line break after a body, which clients may send and no server needs. */
const STRAY_BYTES = 2;

interface Use {
  /** Requests whose responses are not completely sent. */
  requests: number;
  /** Bytes read when the last response ended. More bytes are the beginning of a request. */
  read: number;
}

/**
 * The connections of a server, which it closes without cutting off a response.
 * Node's own `server.close()` takes a connection for idle as soon as its response
 * is written, although a slow client has read only a part of it, and waits without
 * limit for a connection that never sent a request.
 */
export class Connections {
  private readonly logger = new Logger(Connections.name);
  private readonly uses = new Map<Socket, Use>();

  constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.uses.set(socket, { requests: 0, read: 0 });
      socket.once('close', () => this.uses.delete(socket));
    });
    onEveryRequest(server, (request, response) => {
      const { socket } = request;
      const use = this.uses.get(socket);
      if (!use) return;
      use.requests++;
      response.once('close', () => {
        use.requests--;
        use.read = socket.bytesRead;
      });
      // The body may arrive after the response.
      if (hasBody(request)) {
        request.once('end', () => {
          if (use.requests === 0) use.read = socket.bytesRead;
        });
      }
    });
  }

  /** Stops listening. Resolves when the last connection has ended, after 20 s at most. */
  close(): Promise<void> {
    const idle = setInterval(() => {
      // After the event loop has read everything that has arrived.
      setImmediate(() => this.destroy(isIdle));
    }, IDLE_CHECK_MS);
    const limit = setTimeout(() => {
      this.logger.warn(`Cutting off ${this.uses.size} connections`);
      this.destroy(() => true);
    }, GRACE_MS);
    return new Promise((resolve) => {
      // The part of `server.close()` that stops listening.
      NetServer.prototype.close.call(this.server, () => {
        clearInterval(idle);
        clearTimeout(limit);
        resolve();
      });
    });
  }

  private destroy(which: (socket: Socket, use: Use) => boolean): void {
    for (const [socket, use] of this.uses) {
      if (which(socket, use)) socket.destroy();
    }
  }
}

/**
 * Calls the listener for every request before anything can answer it, also for
 * requests with an unusual `Expect`, for which Node has an event of its own.
 */
export function onEveryRequest(
  server: Server,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  server.prependListener('request', listener);
  server.prependListener('checkExpectation', listener);
}

function isIdle(socket: Socket, { requests, read }: Use): boolean {
  // The server has ended it because it could not parse a request.
  const isEnded = socket.writableFinished;
  const begun = socket.bytesRead - read;
  return requests === 0 && (isEnded || begun <= STRAY_BYTES);
}
