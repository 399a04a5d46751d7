import type {
  IncomingMessage,
  RequestListener,
  ServerResponse,
} from 'node:http';
import type { FastifyInstance } from 'fastify';
import type {
  ChatSessionAnswers,
  KnownAnswer,
} from '../chat-sessions/chat-session-answers.js';
import type { Identities } from '../identity/identities.js';
import type { RateLimitGuard } from '../rate-limit/rate-limit.guard.js';
import type { Draining } from './draining.js';
import { requestIdOf } from './fastify.js';

const SESSION = /^\/api\/chat-sessions\/([\da-f-]{36})$/;
/** Headers that are another's in every answer; Node writes those of the connection. */
const OF_ONE_ANSWER =
  /^(?:connection|content-length|date|etag|x-ratelimit-.*|x-request-id)$/;

/** Names and values by turns, as `writeHead` takes them. */
type Head = readonly string[];

/**
 * Answers the plain GET of a session that is in memory and certain, before
 * Fastify and Nest see the request: at 0.69 of the rate at which node:http gives
 * the same bytes (docs/benchmarks.md), where the route came to 0.32.
 *
 * Whatever is out of the ordinary goes to the route: who is not identified or
 * over the limit, queries, conditions, pages of other origins. Nothing is known
 * here twice: identity, limits and answers are asked of those who know, and the
 * headers are those that the route sent.
 */
export class HotReads {
  /** Of what the route answers, the headers that are always the same. */
  private head: Head | undefined;

  constructor(
    private readonly answers: ChatSessionAnswers,
    private readonly identities: Identities,
    private readonly limits: RateLimitGuard,
    private readonly draining: Draining,
  ) {}

  /** Takes the place of the listener of Fastify, which gets what is left. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onSend', ({ raw }, reply, _payload, done) => {
      if (!this.head && reply.statusCode === 200 && plainRead(raw)) {
        this.head = Object.entries(reply.getHeaders())
          .filter(([name]) => !OF_ONE_ANSWER.test(name))
          .flatMap(([name, value]) => [name, [value].flat().join(', ')]);
      }
      done();
    });
    const { server } = fastify;
    const [route] = server.listeners('request') as [RequestListener];
    server.off('request', route);
    server.on('request', (request, response) => {
      const id = this.head && plainRead(request);
      if (!id) return route(request, response);
      this.answer(request, response, id, this.head!).then(
        (isAnswered) => isAnswered || route(request, response),
        () => route(request, response),
      );
    });
  }

  private async answer(
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
    head: Head,
  ): Promise<boolean> {
    const owner = await this.identities.find(request);
    const known = owner && this.answers.inMemory(owner, id);
    if (!known) return false;
    // Of one too many the route says so; it is counted twice, which changes nothing.
    const limits = await this.limits.countRead(owner);
    // And at the end every answer says so.
    if (!limits || this.draining.hasBegun) return false;
    write(request, response, known, [...head, ...limits]);
    return true;
  }
}

function write(
  { headers }: IncomingMessage,
  response: ServerResponse,
  { etag, body }: KnownAnswer,
  head: string[],
): void {
  head.push('etag', etag, 'content-length', String(body.length));
  head.push('x-request-id', requestIdOf(headers));
  response.writeHead(200, head).end(body);
}

/** The session's id, where a request asks for no more than that. */
function plainRead({ method, url, headers }: IncomingMessage) {
  if (method !== 'GET') return;
  const isPlain =
    headers.host &&
    headers.origin === undefined &&
    headers['if-none-match'] === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined;
  return isPlain ? SESSION.exec(url!)?.[1] : undefined;
}
