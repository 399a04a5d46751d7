import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';

/** How often idle connections are closed, and how long a request may take to come on one that is idle at the end. */
const IDLE_MS = 250;
/** What is in flight has so long. With a drain of 5 s, this is within the 30 s that Kubernetes gives. */
const IN_FLIGHT_MS = 20_000;

/** A line break after a body, which clients may send and nobody needs. */
const STRAY_BYTES = 2;

interface Use {
  /** Requests whose answers are not all sent. */
  requests: number;
  /** Bytes read when the last one was: more are the beginning of a request. */
  read: number;
}

/**
 * The connections of a server, which it ends without cutting off an answer.
 * Node's `server.close()` does cut: to it a connection is idle as soon as the
 * answer is written, though a slow client has only read a part of it. Then again
 * it waits for ever for a connection that never brought a request.
 */
export class Connections {
  private readonly logger = new Logger(Connections.name);
  private readonly uses = new Map<Socket, Use>();

  constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.uses.set(socket, { requests: 0, read: 0 });
      socket.once('close', () => this.uses.delete(socket));
    });
    onEveryRequest(server, ({ socket }, response) => {
      const use = this.uses.get(socket);
      if (!use) return;
      use.requests++;
      response.once('close', () => {
        use.requests--;
        use.read = socket.bytesRead;
      });
    });
  }

  /** Accepts no more of them; resolves when the last has ended. */
  close(): Promise<void> {
    const idle = setInterval(() => {
      // Right after the loop has read all that arrived.
      setImmediate(() => this.destroy(isIdle));
    }, IDLE_MS);
    const limit = setTimeout(() => {
      this.logger.warn(`Cutting off ${this.uses.size} connections`);
      this.destroy(() => true);
    }, IN_FLIGHT_MS);
    return new Promise((resolve) => {
      // Only the part of `server.close()` that stops to listen.
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

/** Calls the listener before anyone answers, also a request whose `Expect` Node.js hands out apart. */
export function onEveryRequest(
  server: Server,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  server.prependListener('request', listener);
  server.prependListener('checkExpectation', listener);
}

function isIdle(socket: Socket, { requests, read }: Use): boolean {
  // Ended by the server, where it could not make out a request.
  const isEnded = socket.writableFinished;
  const begun = socket.bytesRead - read;
  return requests === 0 && (isEnded || begun <= STRAY_BYTES);
}
