import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RequestPayload,
} from 'fastify';
import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { StoreQueue } from '../database/store-queue.js';
import { hasBody } from './request.js';

/** Smaller bodies are read as they come (256 KiB). */
const SMALL_BYTES = 256 * 1024;
/** Large bodies that arrive at the same time. A slow client holds one of these places. */
const MAX_RECEIVING = 2;
/** Large bodies that may wait; more are shed. */
const MAX_WAITING = 200;
/** A body that has waited for half of this time is shed (503). */
const DEADLINE_MS = 20_000;

/** Throws if the caller of a request is not identified. */
type Identify = (request: IncomingMessage) => Promise<unknown>;

type Leave = () => void;

/**
 * Makes large bodies take turns: two arrive at a time, and one is parsed and
 * answered at a time. A body of 4 MiB needs ten times that in memory until its
 * response is written (`npx tsx test/bench/large-requests.ts`). The rest of a
 * body waits in the client, and one of a caller who is not identified is not read.
 */
export class LargeBodies {
  private readonly receiving = queueOf(MAX_RECEIVING);
  private readonly serving = queueOf(1);
  private readonly served = new WeakMap<FastifyRequest, Leave>();

  constructor(
    fastify: FastifyInstance,
    private readonly identify: Identify,
  ) {
    fastify.addHook('preParsing', (request, reply, payload, done) => {
      const { 'content-length': length } = request.headers;
      const isSmall = !hasBody(request.raw) || Number(length) <= SMALL_BYTES;
      done(null, isSmall ? payload : this.inTurn(request, reply, payload));
    });
    fastify.addHook('onSend', (request, _reply, _payload, done) => {
      const leave = this.served.get(request);
      // The response is written before the next body is parsed.
      if (leave) setImmediate(leave);
      done();
    });
  }

  /** The body, which arrives, and ends, in its turn. One without a Content-Length waits only once it is large. */
  private inTurn(
    request: FastifyRequest,
    reply: FastifyReply,
    body: RequestPayload,
  ): Transform {
    const isKnown = 'content-length' in request.headers;
    let bytes = isKnown ? SMALL_BYTES : 0;
    let leave: Leave | undefined;
    const gate = new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        bytes += chunk.length;
        if (leave || bytes <= SMALL_BYTES) return next(null, chunk);
        this.receive(request, gate).then((left) => {
          leave = left;
          next(null, chunk);
        }, next);
      },
      flush: (next) => {
        if (!leave) return next();
        this.serve(request, gate, leave).then(() => next(), next);
      },
    });
    // Nobody listens any more if the body is larger than it may be.
    gate.on('error', () => undefined);
    reply.raw.once('close', () => gate.destroy());
    return body.pipe(gate);
  }

  private async receive(
    { raw }: FastifyRequest,
    gate: Transform,
  ): Promise<Leave> {
    await this.identify(raw);
    const leave = await place(this.receiving);
    if (gate.destroyed) leave();
    else gate.once('close', leave);
    return leave;
  }

  private async serve(
    request: FastifyRequest,
    gate: Transform,
    received: Leave,
  ): Promise<void> {
    const leave = await place(this.serving);
    received();
    if (gate.destroyed) leave();
    else this.served.set(request, leave);
  }
}

function queueOf(concurrency: number): StoreQueue {
  return new StoreQueue({
    concurrency,
    maxWaiting: MAX_WAITING,
    deadlineMs: DEADLINE_MS,
  });
}

/** Resolves with a place of a queue, as a function that gives it back. */
function place(queue: StoreQueue): Promise<Leave> {
  return new Promise((resolve, reject) => {
    queue
      .run('write', () => new Promise<void>((leave) => resolve(leave)))
      .catch(reject);
  });
}
