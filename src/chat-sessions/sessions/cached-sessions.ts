import { Injectable } from '@nestjs/common';
import { stringifyExactly } from '../../json/exact-json.js';
import { PAGE } from '../limits.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';
import { matchesEtag } from '../writes/entity-tag.js';
import { ResponseCache } from '../writes/response-cache.js';
import {
  ChatSessionsService,
  type SessionView,
} from './chat-sessions.service.js';
import { toChatSessionBody } from './dto/chat-session.dto.js';

/** Larger bodies are not cached: a few of 4 MiB would take its memory (512 KiB). */
const MAX_CACHED_BYTES = 512 * 1024;

interface FindOptions {
  /** How many of the newest messages to show. */
  messages?: number;
  /** The If-None-Match header. */
  ifNoneMatch?: string;
}

/** The response to GET of a session. */
export interface CachedSession {
  /** Undefined while an answer is being written. */
  etag?: string;
  /** Serialized JSON; undefined if the client's copy is current. */
  body?: Buffer;
}

/** Answers GET of a session, from memory if the cache says that this is safe. */
@Injectable()
export class CachedSessions {
  constructor(
    private readonly sessions: ChatSessionsService,
    private readonly cache: ResponseCache,
  ) {}

  /** Throws EntityNotFoundError. */
  async find(
    key: SessionKey,
    { messages = PAGE.sessionMessages.default, ifNoneMatch }: FindOptions = {},
  ): Promise<CachedSession> {
    const cached = this.cache.begin(key);
    const isClients = (etag: string) => matchesEtag(ifNoneMatch, etag);
    const { etag: cachedEtag } = cached;
    if (cachedEtag !== undefined && this.cache.isCurrent(key)) {
      if (isClients(cachedEtag)) return { etag: cachedEtag };
      const body = cached.bodies.get(messages);
      if (body) return { etag: cachedEtag, body };
    }

    try {
      let body = cached.bodies.get(messages);
      const isCached = body !== undefined;
      const { etag, view } = await this.sessions.get(key, {
        messages,
        hasCopy: ifNoneMatch !== undefined || isCached,
        isCurrent: (current) =>
          isClients(current) || (isCached && current === cachedEtag),
      });
      if (view) {
        body = serialize(view);
        if (etag !== undefined) {
          const isKept = body.length <= MAX_CACHED_BYTES;
          const bodies = new Map(isKept ? [[messages, body]] : []);
          this.cache.complete(key, cached, { etag, bodies });
        }
      }
      return etag !== undefined && isClients(etag) ? { etag } : { etag, body };
    } catch (error) {
      this.cache.delete(key);
      throw error;
    }
  }
}

/** JSON as bytes. */
function serialize(view: SessionView): Buffer {
  const json = stringifyExactly(toChatSessionBody(view));
  // Not from Node's pool of small Buffers: a cached body would keep all of a pool's memory.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(json));
  bytes.write(json);
  return bytes;
}
