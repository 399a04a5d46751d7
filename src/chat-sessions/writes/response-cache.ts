import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Database } from '../../database/database.js';
import { isOutcomeUnknown } from '../../database/errors.js';
import { type CacheMode, ChatSessionsSettings } from '../options.js';
import type { SessionKey } from '../store/chat-sessions.repository.js';

/** Responses to GET of one session in one version. Immutable: a later read replaces the object. */
export interface CachedResponses {
  /** Undefined until a read has completed. */
  readonly etag?: string;
  /** Serialized bodies, by the number of messages that was asked for. */
  readonly bodies: ReadonlyMap<number, Buffer>;
}

/** Bodies kept for one session: clients ask for the same number of messages again and again. */
const MAX_BODIES = 4;
const NO_BODIES: ReadonlyMap<number, Buffer> = new Map();
/** Memory of an entry without its bodies, in bytes. */
const OVERHEAD_BYTES = 1_000;

/**
 * Serialized responses to GET of a session, bounded by bytes. In `validated`
 * mode they are used after the store has confirmed their version, so any number
 * of instances agree. In `exclusive` mode this process is the only writer, and
 * they are used without a query.
 */
@Injectable()
export class ResponseCache {
  private readonly mode: CacheMode;
  private readonly sessions: LRUCache<string, CachedResponses>;
  /**
   * Writes in progress, by cache key. A write whose outcome is unknown stays
   * counted: it may be committed at any time.
   */
  private readonly writes = new Map<string, number>();
  private othersWrites = 0;

  constructor(
    { cache, cacheMaxMb }: ChatSessionsSettings,
    private readonly database: Database,
  ) {
    this.mode = cache ?? (database.isEmbedded ? 'exclusive' : 'validated');
    this.sessions = new LRUCache({
      maxSize: cacheMaxMb * 2 ** 20,
      sizeCalculation: sizeOf,
    });
  }

  /** The cached responses of a session; none at first. Call it before reading the store, and `complete` after. */
  begin(key: SessionKey): CachedResponses {
    const name = cacheKey(key);
    if (this.mode === 'exclusive') this.dropAfterForeignWrites();
    const cached = this.sessions.get(name);
    if (cached) return cached;
    const empty = { bodies: NO_BODIES };
    if (this.mode !== 'off') this.sessions.set(name, empty);
    return empty;
  }

  /**
   * Caches what was read from the store, unless the session was written to, or
   * another read has completed, since `begin` returned `cached`.
   */
  complete(
    key: SessionKey,
    cached: CachedResponses,
    { etag, bodies }: Required<CachedResponses>,
  ): void {
    const name = cacheKey(key);
    if (this.sessions.peek(name) !== cached) return;
    const isSame = cached.etag === etag && cached.bodies.size < MAX_BODIES;
    const kept = isSame ? cached.bodies : NO_BODIES;
    this.sessions.set(name, { etag, bodies: new Map([...kept, ...bodies]) });
  }

  /** Whether a cached response may be used without asking the store. */
  isCurrent(key: SessionKey): boolean {
    return this.mode === 'exclusive' && !this.writes.has(cacheKey(key));
  }

  delete(key: SessionKey): void {
    this.sessions.delete(cacheKey(key));
  }

  /** Runs a write of the session. Cached responses are not used while it runs, and are gone when it has ended. */
  async invalidateAround<T>(
    key: SessionKey,
    write: () => Promise<T>,
  ): Promise<T> {
    const name = cacheKey(key);
    this.writes.set(name, (this.writes.get(name) ?? 0) + 1);
    let isDone = true;
    try {
      return await write();
    } catch (error) {
      isDone = !isOutcomeUnknown(error);
      throw error;
    } finally {
      this.sessions.delete(name);
      const others = this.writes.get(name)! - 1;
      if (isDone && others === 0) this.writes.delete(name);
      else if (isDone) this.writes.set(name, others);
    }
  }

  /** In a deploy on SQLite, the old process may still write to the file while the new one reads. */
  private dropAfterForeignWrites(): void {
    const writes = this.database.othersWrites();
    if (writes !== this.othersWrites) this.sessions.clear();
    this.othersWrites = writes;
  }
}

/** Unambiguous: an owner's id has no control characters. */
function cacheKey({ ownerId, id }: SessionKey): string {
  return `${ownerId}\n${id}`;
}

function sizeOf({ bodies }: CachedResponses, name: string): number {
  let bytes = OVERHEAD_BYTES + 2 * name.length;
  for (const body of bodies.values()) bytes += body.length;
  return bytes;
}
