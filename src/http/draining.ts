import type { ServerResponse } from 'node:http';
import {
  setImmediate as turnOfTheLoop,
  setTimeout as sleep,
} from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Logger,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Connections, onEveryRequest } from './connections.js';

/** Connections that the system has taken have so long to be accepted, before it is told to take no more. */
const ACCEPT_MS = 500;
/** The store has so long to close after the last answer: a query that hangs would hold it for ever. */
const STORE_MS = 1_000;
const SIGNALS = ['SIGTERM', 'SIGINT'];

/**
 * Ends the service without losing a request. From the signal on it is not ready
 * and every answer says `Connection: close`, so that balancers and clients go
 * elsewhere, while it still serves all that comes for the time of the drain.
 * Then it stops listening and finishes what is in flight; then the store closes.
 */
export class Draining
  implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly logger = new Logger(Draining.name);
  private connections: Connections | undefined;
  private begun = false;
  /** Connections accepted and answers sent. */
  private events = 0;
  /** While it is pending, new requests wait. */
  private hold: Promise<void> | undefined;

  constructor(private readonly drainMs: number) {}

  get hasBegun(): boolean {
    return this.begun;
  }

  onModuleDestroy(): void {
    this.begun = true;
  }

  /** Not in a hook of Fastify's: that must end within 10 s. */
  async beforeApplicationShutdown(signal?: string): Promise<void> {
    // Without a signal it is closed by a program, which knows whether requests may come.
    if (signal) {
      // Nest stops listening to signals just before it exits: one more would kill.
      for (const name of SIGNALS) process.on(name, () => undefined);
      this.logger.log(
        `${signal}: requests are accepted for ${this.drainMs} ms`,
      );
      await sleep(this.drainMs);
    }
    let release = () => {};
    this.hold = new Promise((resolve) => (release = resolve));
    await this.quietTurn();
    const closed = this.connections?.close();
    this.hold = undefined;
    release();
    await closed;
  }

  /** Comes before the store is closed, since the store's module is global. */
  onApplicationShutdown(signal?: string): void {
    if (!signal) return;
    setTimeout(() => {
      this.logger.error('The store does not close');
      process.exit(1);
    }, STORE_MS).unref();
  }

  /** Makes the server tell its clients, and lets it be closed. */
  watch(fastify: FastifyInstance): void {
    const { server } = fastify;
    this.connections = new Connections(server);
    server.on('connection', () => this.events++);
    fastify.addHook('onRequest', (_request, _reply, done) => {
      if (this.hold) void this.hold.then(() => done());
      else done();
    });
    // Of what is in flight when the end begins.
    fastify.addHook('onSend', (_request, reply, _payload, done) => {
      this.answering(reply.raw);
      done();
    });
    // Of what comes later; Fastify answers a malformed path without its hooks.
    onEveryRequest(server, (_request, response) => {
      if (this.begun) response.setHeader('connection', 'close');
    });
  }

  /** To be called before the head of an answer is written. */
  answering(response: ServerResponse): void {
    this.events++;
    if (this.begun) response.setHeader('connection', 'close');
  }

  /**
   * The system resets the connections that it has taken and the loop has not
   * accepted, and the loop accepts one a turn: under load some always wait,
   * since each answer brings the next. So requests are held until none do.
   */
  private async quietTurn(): Promise<void> {
    const start = performance.now();
    let before: number;
    do {
      before = this.events;
      await turnOfTheLoop();
    } while (this.events > before && performance.now() - start < ACCEPT_MS);
  }
}
