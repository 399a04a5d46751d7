import { RequestTimeoutException } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest, RequestPayload } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { Readable, Transform } from 'node:stream';
import { Deadline } from '../database/deadline.js';
import { overloaded } from '../database/errors.js';
import { StoreQueue } from '../database/store-queue.js';
import { hasBody } from './request.js';
import { BODY_ERRORS } from './route-errors.js';

/** Smaller bodies are read as they come (256 KiB). */
const SMALL_BYTES = 256 * 1024;
/** Large bodies that arrive at the same time. */
const MAX_RECEIVING = 3;
/** Larger bodies arrive one at a time, beside the others (4 MiB). */
const HUGE_BYTES = 4 * 1024 * 1024;
/** Large bodies that may wait; more are shed. */
const MAX_WAITING = 200;
/** Follows "Too many" in the log and in the response of the queue. */
const WAITING = 'large bodies are waiting for their turn';
/** Longest wait for a turn; then the response is 503. */
const WAIT_MS = 10_000;
/** Garbage is collected after this many bytes of large bodies, responses included (8 MiB). */
const COLLECT_BYTES = 8 * 1024 * 1024;
/** Longest time in which a large body may arrive; then the response is 408. Meanwhile a slow client keeps others waiting. */
const RECEIVE_MS = 20_000;

/** Tells whether the caller of a request is identified. */
type IsIdentified = (request: IncomingMessage) => Promise<boolean>;

/**
 * Makes large bodies take turns: three of up to 4 MiB and one larger arrive at a
 * time, and one is parsed and answered at a time. A body of 4 MiB needs ten times
 * that in memory until its response is written
 * (`npx tsx test/bench/large-requests.ts`). Meanwhile the rest of a body waits in
 * its client. A body whose caller is not identified is dropped: the route's guards
 * answer without it.
 *
 * After each 8 MiB of large bodies it collects the garbage, if Node.js runs with
 * `--expose-gc`, as `npm run start:prod` does. V8 alone would start too late.
 */
export class LargeBodies {
  private readonly receiving = queueOf(MAX_RECEIVING);
  private readonly receivingHuge = queueOf(1);
  private readonly serving = queueOf(1);
  private readonly turns = new WeakMap<FastifyRequest, Turn>();
  private uncollected = 0;

  constructor(fastify: FastifyInstance, isIdentified: IsIdentified) {
    fastify.addHook('preParsing', (request, _reply, payload, done) => {
      const { raw, method, headers } = request;
      const { 'content-length': length } = headers;
      const isSmall = !hasBody(raw) || Number(length) <= SMALL_BYTES;
      // Fastify does not read the body of a GET.
      if (isSmall || method === 'GET' || method === 'HEAD') {
        return done(null, payload);
      }
      isIdentified(raw).then(
        (known) =>
          done(null, known ? this.inTurn(request, payload) : dropped(length)),
        done,
      );
    });
    fastify.addHook('onSend', (request, _reply, payload, done) => {
      const turn = this.turns.get(request);
      const bytes = (turn?.bytes ?? 0) + lengthOf(payload);
      if (turn || bytes > SMALL_BYTES) {
        // The response is written before the next body is parsed.
        setImmediate(() => {
          this.collect(bytes);
          turn?.end();
        });
      }
      done();
    });
  }

  private collect(bytes: number): void {
    this.uncollected += bytes;
    if (this.uncollected < COLLECT_BYTES) return;
    this.uncollected = 0;
    globalThis.gc?.();
  }

  /** The body, which arrives, and ends, in its turn. One without a Content-Length waits only once it is large. */
  private inTurn(request: FastifyRequest, body: RequestPayload): Transform {
    const { receiving, receivingHuge, serving } = this;
    const length = Number(request.headers['content-length'] ?? 0);
    let queue: StoreQueue | undefined;
    const gate = new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        turn.bytes += chunk.length;
        const bytes = Math.max(length, turn.bytes);
        const needed = bytes > HUGE_BYTES ? receivingHuge : receiving;
        if (bytes <= SMALL_BYTES || queue === needed) return next(null, chunk);
        queue = needed;
        turn.swap(needed).then(() => {
          turn.limit(RECEIVE_MS);
          next(null, chunk);
        }, next);
      },
      flush: (next) => {
        if (!queue) return next();
        turn.swap(serving).then(() => next(), next);
      },
    });
    // The response may be sent before the body is large.
    const turn = new Turn(request.raw, gate);
    this.turns.set(request, turn);
    // Not everybody who stops reading the body listens: 413 and 415, for instance.
    gate.on('error', () => undefined);
    return body.pipe(gate);
  }
}

/** The place of a request in a queue, until its response is sent or its connection is closed. */
class Turn {
  /** How much of the body has arrived. */
  bytes = 0;
  private isOver = false;
  private leave: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly request: IncomingMessage,
    private readonly gate: Transform,
  ) {}

  /** Throws StoreUnavailableError after `WAIT_MS`. */
  async enter(queue: StoreQueue): Promise<void> {
    const { socket } = this.request;
    if (this.isOver || socket.destroyed) {
      throw overloaded(WAITING);
    }
    socket.off('close', this.end).once('close', this.end);
    const deadline = new Deadline(WAIT_MS);
    try {
      this.leave = await deadline.race(this.place(queue));
    } catch {
      this.isOver = true;
      throw overloaded(WAITING);
    } finally {
      deadline.end();
    }
  }

  /** Enters a queue, and keeps the place in the one before until then. */
  async swap(queue: StoreQueue): Promise<void> {
    clearTimeout(this.timer);
    const { leave } = this;
    await this.enter(queue).finally(leave);
  }

  /** Ends the body with 408 unless it arrives in time. */
  limit(milliseconds: number): void {
    this.timer = setTimeout(
      () => this.gate.destroy(new RequestTimeoutException(BODY_ERRORS[408])),
      milliseconds,
    ).unref();
  }

  readonly end = (): void => {
    this.isOver = true;
    clearTimeout(this.timer);
    this.request.socket.off('close', this.end);
    this.leave?.();
    this.gate.destroy();
  };

  /** Resolves with a place, as a function that gives it back. One that comes too late is given back at once. */
  private place(queue: StoreQueue): Promise<() => void> {
    return new Promise((resolve, reject) => {
      queue
        .run('write', () =>
          this.isOver
            ? Promise.resolve()
            : new Promise<void>((leave) => resolve(leave)),
        )
        .catch(reject);
    });
  }
}

function queueOf(concurrency: number): StoreQueue {
  return new StoreQueue({
    concurrency,
    maxWaiting: MAX_WAITING,
    // A queue sheds what has waited for half of its deadline.
    deadlineMs: 2 * WAIT_MS,
    waiting: WAITING,
  });
}

/** A body that has arrived, as far as Fastify can tell, and is empty. */
function dropped(length: string | undefined): Readable {
  return Object.assign(Readable.from([]), {
    receivedEncodedLength: Number(length ?? 0),
  });
}

function lengthOf(payload: unknown): number {
  const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload);
  return isWhole ? payload.length : 0;
}
