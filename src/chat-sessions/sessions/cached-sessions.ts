import { HttpStatus, Injectable } from '@nestjs/common';
import { Reply } from '../../http/reply.js';
import { AnswerCache } from '../writes/response-cache.js';
import {
  ChatSessionsService,
  type SessionView,
} from './chat-sessions.service.js';
import { toChatSession } from './dto/chat-session.dto.js';
import { GetChatSessionQuery } from './dto/queries.dto.js';
import { isNamedBy } from '../writes/entity-tag.js';

/** What a session is without a query. */
const PLAIN = new GetChatSessionQuery();

export interface Answer {
  etag: string;
  /** JSON, serialized; undefined where the client's copy is current. */
  body?: Buffer;
}

/** Answers GET of a session, from memory where that is true. */
@Injectable()
export class ChatSessionAnswers {
  constructor(
    private readonly sessions: ChatSessionsService,
    private readonly cache: AnswerCache,
  ) {}

  /** What `get` answers, without a status and headers. Throws EntityNotFoundError. */
  async find(
    ownerId: string,
    id: string,
    query = PLAIN,
    ifNoneMatch?: string,
  ): Promise<Answer> {
    const known = this.cache.open(ownerId, id);
    const body = known.bodies.get(query.messages);
    const isClients = (etag: string) => isNamedBy(ifNoneMatch, etag);
    if (known.etag !== undefined && this.cache.isCertain(ownerId, id)) {
      if (isClients(known.etag)) return { etag: known.etag };
      if (body !== undefined) return { etag: known.etag, body };
    }

    const isKnown = (etag: string) =>
      isClients(etag) || (body !== undefined && known.etag === etag);
    try {
      const needsCheck = ifNoneMatch !== undefined || body !== undefined;
      const { etag, view } = await this.sessions.get(
        ownerId,
        id,
        query,
        needsCheck ? isKnown : undefined,
      );
      const fresh = view && serialized(view);
      const bodies = new Map(fresh && [[query.messages, fresh]]);
      this.cache.fill(ownerId, id, known, { etag, bodies });
      return isClients(etag) ? { etag } : { etag, body: fresh ?? body };
    } catch (error) {
      this.cache.forget(ownerId, id);
      throw error;
    }
  }

  /** The session, or 304 where If-None-Match names its version. Throws EntityNotFoundError. */
  async get(
    ownerId: string,
    id: string,
    query: GetChatSessionQuery,
    ifNoneMatch?: string,
  ): Promise<Reply<Buffer | undefined>> {
    const { etag, body } = await this.find(ownerId, id, query, ifNoneMatch);
    const versioned = { ETag: etag, 'Cache-Control': 'private, no-cache' };
    if (body === undefined) {
      const status = HttpStatus.NOT_MODIFIED;
      return new Reply(body, { status, headers: versioned });
    }
    const type = { 'Content-Type': 'application/json; charset=utf-8' };
    return new Reply(body, { headers: Object.assign(versioned, type) });
  }
}

/**
 * JSON as bytes. An interceptor that puts answers into an envelope gets what
 * they say when it is made JSON.
 */
function serialized({ session, messages }: SessionView): Buffer {
  const json = JSON.stringify({
    chat_session: toChatSession(session, messages),
  });
  // Not of Node's pool for small Buffers: one that is kept would keep its neighbours.
  const bytes = Buffer.from(new TextEncoder().encode(json).buffer);
  return Object.assign(bytes, { toJSON: parse });
}

/** One function for all answers: each one kept would have a closure of its own. */
function parse(this: Buffer): never {
  return JSON.parse(this.toString()) as never;
}
