import type {
  IncomingMessage,
  RequestListener,
  ServerResponse,
} from 'node:http';
import { isUUID } from 'class-validator';
import type { FastifyInstance } from 'fastify';
import type { ChatSessionAnswers } from './cached-sessions.js';
import type { RequestIdentity } from '../../identity/request-identity.js';
import type { RateLimitGuard } from '../../rate-limit/rate-limit.guard.js';
import type { Draining } from '../../http/draining.js';
import type { AllExceptionsFilter } from '../../http/exception.filter.js';
import { requestIdOf } from '../../http/fastify.js';
import {
  type ErrorTexts,
  errorTextsOf,
  type Routed,
} from '../../http/route-errors.js';

const SESSION = /^\/api\/chat-sessions\/([\da-f-]{36})$/;
/** Headers that are another's in every answer; Node writes those of the connection. */
const OF_ONE_ANSWER =
  /^(?:connection|content-length|date|etag|x-ratelimit-.*|x-request-id)$/;

/** Names and values by turns, as `writeHead` takes them. */
type Head = readonly string[];

/** What the route does, as seen when it answered. */
interface Route {
  /** The headers that are always the same. */
  head: Head;
  /** Of a 304. */
  unchangedHead: Head;
  errorHead: Head;
  errorTexts: ErrorTexts;
}

/**
 * Answers the plain GET of a session, with If-None-Match or without, before
 * Fastify and Nest see the request: from memory at 0.65 of the rate at which
 * node:http gives the same bytes (docs/benchmarks.md).
 *
 * Whatever is out of the ordinary goes to the route: who is not identified or
 * over the limit, queries, pages of other origins, and all that comes once the
 * end has begun. Nothing is known here twice: identity, limits,
 * answers and errors are asked of those who know, and the rest is as the route
 * had it.
 */
export class HotReads {
  private route: Route | undefined;

  constructor(
    private readonly answers: ChatSessionAnswers,
    private readonly identity: RequestIdentity,
    private readonly limits: RateLimitGuard,
    private readonly filter: AllExceptionsFilter,
    private readonly draining: Draining,
  ) {}

  /** Takes the place of the listener of Fastify, which gets what is left. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onSend', (request, reply, _payload, done) => {
      if (!this.route && reply.statusCode === 200 && plainRead(request.raw)) {
        const headers = Object.entries(reply.getHeaders())
          .filter(([name]) => !OF_ONE_ANSWER.test(name))
          .map(([name, value]) => [name, [value].flat().join(', ')]);
        const without = (left: string) =>
          headers.filter(([name]) => name !== left).flat();
        this.route = {
          head: headers.flat(),
          unchangedHead: without('content-type'),
          errorHead: without('cache-control'),
          errorTexts: errorTextsOf(request as Routed),
        };
      }
      done();
    });
    const { server } = fastify;
    const next = server.listeners('request').at(-1) as RequestListener;
    server.off('request', next);
    server.on('request', (request, response) => {
      const { route } = this;
      const id = route && !this.draining.hasBegun && plainRead(request);
      if (!id) return next(request, response);
      this.answer(request, response, id, route).then(
        (isAnswered) => isAnswered || next(request, response),
        () => next(request, response),
      );
    });
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    sessionId: string,
    route: Route,
  ): Promise<boolean> {
    const owner = await this.identity.findOwner(request);
    if (!owner) return false;
    // Of one too many the route says so; it is counted twice, which changes nothing.
    const limits = await this.limits.countRead(owner);
    if (!limits) return false;
    const id = requestIdOf(request.headers);
    const condition = request.headers['if-none-match'];
    const { status, head, body } = await this.answers
      .find(owner, sessionId, undefined, condition)
      .then(
        ({ etag, body }) => ({
          status: body ? 200 : 304,
          head: [...(body ? route.head : route.unchangedHead), 'etag', etag],
          body,
        }),
        (error: unknown) => this.failure(error, request, id, route),
      );
    head.push(...Object.entries(limits).flat(), 'x-request-id', id);
    if (body) head.push('content-length', String(body.length));
    this.draining.answering(response);
    response.writeHead(status, head).end(body);
    return true;
  }

  private failure(
    error: unknown,
    request: IncomingMessage,
    id: string,
    { errorHead, errorTexts }: Route,
  ) {
    const { method, url } = request as Required<IncomingMessage>;
    const { status, headers, body } = this.filter.answerTo(
      error,
      { id, method, url },
      errorTexts,
    );
    return {
      status,
      head: [...errorHead, ...Object.entries(headers).flat()],
      body: Buffer.from(JSON.stringify(body)),
    };
  }
}

/** The session's id, where a request asks for no more than that. */
function plainRead({ method, url, headers }: IncomingMessage) {
  if (method !== 'GET') return;
  const isPlain =
    headers.host &&
    headers.origin === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined;
  const id = isPlain && SESSION.exec(url!)?.[1];
  return isUUID(id, 'loose') ? id : undefined;
}
