import {
  type BeforeApplicationShutdown,
  Logger,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import {
  setImmediate as nextTurn,
  setTimeout as sleep,
} from 'node:timers/promises';
import { Connections, onEveryRequest } from './connections.js';

/** Time to accept the connections that wait in the system's queue before the server stops listening. */
const ACCEPT_MS = 500;
/** Grace period for the rest of the application after the last response: a query that hangs would hold the store for ever. */
const REST_MS = 1_000;
const SIGNALS = ['SIGTERM', 'SIGINT'];

/**
 * Ends the server without losing a request. After the signal the service is not
 * ready and sends `Connection: close` with every response, so that balancers and
 * clients go elsewhere, but still serves every request for `drainMs`. Then it stops
 * listening and finishes the requests in flight.
 *
 * All of that is done in `beforeApplicationShutdown`. Nest calls
 * `onApplicationShutdown`, in which modules close what requests need, only when
 * this has ended.
 */
export class Draining implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly logger = new Logger(Draining.name);
  private readonly connections: Connections;
  private begun = false;
  /** Counts connections accepted and responses sent. */
  private events = 0;
  /** New requests wait while it is pending. */
  private hold: Promise<void> | undefined;

  /** @param drainMs milliseconds that requests are still accepted after the signal */
  constructor(
    fastify: FastifyInstance,
    private readonly drainMs: number,
  ) {
    const { server } = fastify;
    this.connections = new Connections(server);
    server.on('connection', () => this.events++);
    fastify.addHook('onRequest', (_request, _reply, done) => {
      if (this.hold) void this.hold.then(() => done());
      else done();
    });
    // For requests in flight when the end begins.
    fastify.addHook('onSend', (_request, reply, _payload, done) => {
      this.events++;
      if (this.begun) reply.header('connection', 'close');
      done();
    });
    // For later requests. Fastify runs no hooks for a malformed path.
    onEveryRequest(server, (_request, response) => {
      if (this.begun) response.setHeader('connection', 'close');
    });
  }

  get hasBegun(): boolean {
    return this.begun;
  }

  onModuleDestroy(): void {
    this.begun = true;
  }

  /** Not a hook of Fastify, since those must end within 10 s. */
  async beforeApplicationShutdown(signal?: string): Promise<void> {
    // Without a signal a program closes the service, and knows that no requests come.
    if (signal) {
      // Nest removes its listeners just before the process exits: a second signal
      // would kill it.
      for (const name of SIGNALS) process.on(name, () => undefined);
      this.logger.log(
        `${signal}: requests are accepted for ${this.drainMs} ms`,
      );
      await sleep(this.drainMs);
    }
    let release = () => {};
    this.hold = new Promise((resolve) => (release = resolve));
    await this.acceptPending();
    const closed = this.connections.close();
    this.hold = undefined;
    release();
    await closed;
    if (signal) this.limitTheRest();
  }

  /**
   * Waits until no connection is pending. The system resets connections that the
   * event loop has not accepted when the server stops listening. The loop accepts
   * one a turn, and under load every response brings the next connection, so new
   * requests are held meanwhile.
   */
  private async acceptPending(): Promise<void> {
    const start = performance.now();
    let before: number;
    do {
      before = this.events;
      await nextTurn();
    } while (this.events > before && performance.now() - start < ACCEPT_MS);
  }

  private limitTheRest(): void {
    setTimeout(() => {
      this.logger.error('The store does not close');
      process.exit(1);
    }, REST_MS).unref();
  }
}
