import { HttpStatus, Injectable } from '@nestjs/common';
import { Reply } from '../http/reply.js';
import { AnswerCache } from './answer-cache.js';
import {
  ChatSessionsService,
  type SessionView,
} from './chat-sessions.service.js';
import { toChatSession } from './dto/chat-session.dto.js';
import { GetChatSessionQuery } from './dto/queries.dto.js';
import { isNamedBy } from './entity-tag.js';

/** How many messages a session shows unless it is asked for another number. */
const { messages: MESSAGES } = new GetChatSessionQuery();

export interface KnownAnswer {
  etag: string;
  body: Buffer;
}

/** Answers GET of a session, from memory where that is true. */
@Injectable()
export class ChatSessionAnswers {
  constructor(
    private readonly sessions: ChatSessionsService,
    private readonly cache: AnswerCache,
  ) {}

  /** What `get` would answer a GET without a query or a condition, where the store need not be asked. */
  inMemory(ownerId: string, id: string): KnownAnswer | undefined {
    if (!this.cache.isCertain(ownerId, id)) return undefined;
    const { etag, bodies } = this.cache.open(ownerId, id);
    const body = bodies.get(MESSAGES);
    return etag && body ? { etag, body } : undefined;
  }

  /**
   * The session as JSON, serialized, or 304 where If-None-Match names its version. Throws
   * EntityNotFoundError.
   */
  async get(
    ownerId: string,
    id: string,
    query: GetChatSessionQuery,
    ifNoneMatch?: string,
  ): Promise<Reply<Buffer | undefined>> {
    const known = this.cache.open(ownerId, id);
    const body = known.bodies.get(query.messages);
    const isClients = (etag: string) => isNamedBy(ifNoneMatch, etag);
    if (known.etag !== undefined && this.cache.isCertain(ownerId, id)) {
      if (isClients(known.etag)) return reply(known.etag);
      if (body !== undefined) return reply(known.etag, body);
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
      return isClients(etag) ? reply(etag) : reply(etag, fresh ?? body);
    } catch (error) {
      this.cache.forget(ownerId, id);
      throw error;
    }
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
  return Object.assign(bytes, {
    toJSON: () => JSON.parse(bytes.toString()) as never,
  });
}

/** Without a body it is 304. */
function reply(etag: string, body?: Buffer): Reply<Buffer | undefined> {
  const versioned = { ETag: etag, 'Cache-Control': 'private, no-cache' };
  if (body === undefined) {
    const status = HttpStatus.NOT_MODIFIED;
    return new Reply(body, { status, headers: versioned });
  }
  const type = { 'Content-Type': 'application/json; charset=utf-8' };
  return new Reply(body, { headers: Object.assign(versioned, type) });
}
