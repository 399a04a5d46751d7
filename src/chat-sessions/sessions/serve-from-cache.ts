import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import { isUUID } from 'class-validator';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ChatSessionsExceptionsFilter } from '../../http/exception.filter.js';
import { JSON_TYPE } from '../../http/response.js';
import {
  type AdmittedRead,
  type ChatSessionsOptions,
  type ChatSessionsRegistration,
  ChatSessionsSettings,
  pathBelow,
  routeGroupsOf,
} from '../options.js';
import { CachedSessions } from './cached-sessions.js';
import { GET_CHAT_SESSION_ERRORS } from './chat-sessions.openapi.js';

/** The path of the sessions' routes below the global prefix; undefined if cached sessions are served by the route only. */
export const SESSIONS_PATH = Symbol('path of sessions');

export function sessionsPathOf(
  registration: ChatSessionsRegistration,
): string | undefined {
  const { version, errors } = registration;
  // A version or an error would be for the application to handle.
  if (version !== undefined || errors === 'application') return undefined;
  return routeGroupsOf(registration).includes('sessions')
    ? pathBelow(registration, 'chat-sessions')
    : undefined;
}

interface PlainRead {
  id: string;
  admitRead: NonNullable<ChatSessionsOptions['admitRead']>;
}

/**
 * Answers the plain GET of a session, with If-None-Match or without, after
 * Fastify's own hooks and before Nest, whose guards, pipes and handlers take
 * longer than a read from memory. Requests with a query or an `Origin`, and
 * those that the option `admitRead` does not admit, go on to the route.
 */
@Injectable()
export class ServeFromCache implements OnModuleInit {
  constructor(
    private readonly settings: ChatSessionsSettings,
    private readonly adapterHost: HttpAdapterHost,
    private readonly application: ApplicationConfig,
    private readonly sessions: CachedSessions,
    private readonly filter: ChatSessionsExceptionsFilter,
    @Inject(SESSIONS_PATH) private readonly sessionsPath: string | undefined,
  ) {}

  onModuleInit(): void {
    const { admitRead } = this.settings;
    const { httpAdapter } = this.adapterHost;
    if (!admitRead || this.sessionsPath === undefined) return;
    if (httpAdapter.getType() !== 'fastify') return;
    const prefix = this.application.getGlobalPrefix();
    const path = `${prefix && `/${prefix}`}/${this.sessionsPath}/`;
    const fastify = httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('preParsing', (request, reply, _payload, done) => {
      const id = plainReadOf(request, path);
      if (!id) return done();
      // Without `done()` the request ends with the reply.
      this.serve(request, reply, { id, admitRead }).then((isServed) => {
        if (!isServed) done();
      }, done);
    });
  }

  /** Returns false if the route must answer: it says why a caller is not admitted. */
  private async serve(
    request: FastifyRequest,
    reply: FastifyReply,
    { id, admitRead }: PlainRead,
  ): Promise<boolean> {
    let admitted: AdmittedRead | undefined;
    try {
      admitted = await admitRead(request.raw);
    } catch {
      return false;
    }
    if (!admitted) return false;
    const { ownerId, headers, vary } = admitted;
    reply.headers(headers);
    if (vary) {
      const others = reply.getHeader('vary');
      reply.header('vary', others ? `${String(others)}, ${vary}` : vary);
    }
    try {
      const { etag, body } = await this.sessions.find(
        { ownerId, id },
        { ifNoneMatch: request.headers['if-none-match'] },
      );
      reply.header('cache-control', 'private, no-cache');
      if (etag !== undefined) reply.header('etag', etag);
      if (body) void reply.header('content-type', JSON_TYPE).send(body);
      else void reply.status(304).send();
    } catch (error) {
      const { status, headers, body } = this.filter.responseTo(
        error,
        request,
        GET_CHAT_SESSION_ERRORS,
      );
      void reply
        .status(status)
        .headers({ ...headers, 'content-type': JSON_TYPE })
        .send(JSON.stringify(body));
    }
    return true;
  }
}

/** The session's id, if a request reads a session and asks for nothing else. */
function plainReadOf(
  { method, url, headers }: FastifyRequest,
  path: string,
): string | undefined {
  const isPlain =
    method === 'GET' && headers.origin === undefined && url.startsWith(path);
  // A query makes it no UUID.
  const id = isPlain ? url.slice(path.length) : undefined;
  return isUUID(id, 'loose') ? id!.toLowerCase() : undefined;
}
