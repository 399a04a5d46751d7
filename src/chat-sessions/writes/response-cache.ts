import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Database } from '../../database/database.js';
import { isOutcomeUnknown } from '../../database/errors.js';
import { type CacheMode, ChatSessionsSettings } from '../options.js';

/** The answers to GET of one session, as it was in one version. Never changed: a fill puts another in its place. */
export interface Answers {
  readonly etag?: string;
  /** Serialized, by how many messages they show. */
  readonly bodies: ReadonlyMap<number, Buffer>;
}

/** Of one session: clients ask for the same number of messages again and again. */
const MOST_BODIES = 4;
const NONE: ReadonlyMap<number, Buffer> = new Map();
/** Of a session, beside its bodies. */
const OVERHEAD_BYTES = 1_000;

/**
 * Serialized answers to GET of a session, bounded by bytes. In `validated` mode
 * they are served after the store has said that their version is still the
 * session's, so that any number of instances agree. In `exclusive` mode this
 * process is the only writer, and they are served without a query.
 */
@Injectable()
export class AnswerCache {
  private readonly mode: CacheMode;
  private readonly sessions: LRUCache<string, Answers>;
  /**
   * Of sessions that are being written to, by how many. One stays where the
   * outcome of a write is unknown: it may come about at any time.
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

  /** What is known of a session; empty at first. What is read from the store after this may fill it. */
  open(ownerId: string, id: string): Answers {
    const key = keyOf(ownerId, id);
    if (this.mode === 'exclusive') this.forgetWhatOthersChanged();
    const known = this.sessions.get(key);
    if (known) return known;
    const unknown = { bodies: NONE };
    if (this.mode !== 'off') this.sessions.set(key, unknown);
    return unknown;
  }

  /** A new process may read while the one that it replaces still writes to the same file. */
  private forgetWhatOthersChanged(): void {
    const writes = this.database.othersWrites();
    if (writes !== this.othersWrites) this.sessions.clear();
    this.othersWrites = writes;
  }

  /** Whether what is known is true without asking the store. */
  isCertain(ownerId: string, id: string): boolean {
    return this.mode === 'exclusive' && !this.writes.has(keyOf(ownerId, id));
  }

  /**
   * Keeps what was read after `known` was opened, unless the session was
   * written to in between, or somebody else has filled it.
   */
  fill(
    ownerId: string,
    id: string,
    known: Answers,
    { etag, bodies }: Required<Answers>,
  ): void {
    const key = keyOf(ownerId, id);
    if (this.sessions.peek(key) !== known) return;
    const keeps = known.etag === etag && known.bodies.size < MOST_BODIES;
    const kept = keeps ? known.bodies : NONE;
    this.sessions.set(key, { etag, bodies: new Map([...kept, ...bodies]) });
  }

  forget(ownerId: string, id: string): void {
    this.sessions.delete(keyOf(ownerId, id));
  }

  /** Every write to a session goes through here: what was known of it is forgotten before the write is answered. */
  async writing<T>(
    ownerId: string,
    id: string,
    write: () => Promise<T>,
  ): Promise<T> {
    const key = keyOf(ownerId, id);
    this.writes.set(key, (this.writes.get(key) ?? 0) + 1);
    let isKnown = true;
    try {
      return await write();
    } catch (error) {
      isKnown = !isOutcomeUnknown(error);
      throw error;
    } finally {
      this.sessions.delete(key);
      const others = this.writes.get(key)! - 1;
      if (isKnown && others === 0) this.writes.delete(key);
      else if (isKnown) this.writes.set(key, others);
    }
  }
}

/** An owner's id has no control characters. */
function keyOf(ownerId: string, id: string): string {
  return `${ownerId}\n${id}`;
}

function sizeOf({ bodies }: Answers, key: string): number {
  let bytes = OVERHEAD_BYTES + 2 * key.length;
  for (const body of bodies.values()) bytes += body.length;
  return bytes;
}
