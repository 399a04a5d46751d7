import { HttpStatus, Injectable } from '@nestjs/common';
import { isDuplicateKey, isLockWaitTimeout } from '../../../database/errors.js';
import type { UnitOfWork } from '../../../database/unit-of-work.js';
import type { SessionState } from '../../store/chat-sessions.repository.js';
import type { ChatMessage } from '../../store/entities/chat-message.entity.js';
import type { IdempotencyKey } from './idempotency-key.entity.js';
import { ChatSessionsError } from '../../errors.js';
import type { RepeatableRequest } from './idempotency-key.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

/** What a repeatable write did. */
export interface Written {
  session: SessionState;
  messages?: ChatMessage[];
  /** False where it was there already. */
  created: boolean;
  /** Whether this is the answer to a request that was done before. */
  replayed?: boolean;
}

const { CREATED, OK } = HttpStatus;

/**
 * Of equal requests to this process, so many are at their key at once: the one
 * that inserts it and one that waits. Each has a connection, and if more could
 * wait, soon nobody else would get one.
 */
const MOST_CLAIMS = 2;

/** Does a write with an Idempotency-Key once. */
@Injectable()
export class Idempotency {
  /** How many requests are at a key. Not the store's, but always as it was before once a work has ended. */
  private readonly claims = new Map<string, number>();

  constructor(private readonly keys: IdempotencyKeysRepository) {}

  /**
   * Part of the write's own transaction: either both the write and its key
   * happen, or neither. The key is inserted first; one that is there already
   * means that the write was done, and `again` finds what it did, as it is now.
   * To look for the key first, or to lock it, would make equal requests deadlock.
   * Throws `key_reused`, `key_in_use`.
   */
  *once<Result extends Written>(
    ownerId: string,
    request: RepeatableRequest | undefined,
    first: () => UnitOfWork<Result>,
    again: (record: IdempotencyKey) => UnitOfWork<Result>,
  ): UnitOfWork<Result> {
    if (!request) return yield* first();
    if (!(yield* this.claim(ownerId, request))) {
      const done = yield* this.done(ownerId, request);
      const created = done.status === CREATED;
      return Object.assign(yield* again(done), { created, replayed: true });
    }
    const result = yield* first();
    const { session, messages = [], created } = result;
    yield* this.keys.update(ownerId, request.key, {
      status: created ? CREATED : OK,
      sessionId: session.id,
      messageIds: messages.map(({ id }) => id),
    });
    return result;
  }

  /** Inserts the key; false where it is there already. Waits while another request holds it, until its end. */
  private *claim(
    ownerId: string,
    request: RepeatableRequest,
  ): UnitOfWork<boolean> {
    const name = `${ownerId}\n${request.key}`;
    const claims = this.claims.get(name) ?? 0;
    if (claims === MOST_CLAIMS) throw new ChatSessionsError('key_in_use');
    this.claims.set(name, claims + 1);
    try {
      yield* this.keys.insert(ownerId, request);
      return true;
    } catch (error) {
      if (isLockWaitTimeout(error)) throw new ChatSessionsError('key_in_use');
      if (isDuplicateKey(error)) return false;
      throw error;
    } finally {
      const left = this.claims.get(name)! - 1;
      if (left > 0) this.claims.set(name, left);
      else this.claims.delete(name);
    }
  }

  private *done(
    ownerId: string,
    { key, hash }: RepeatableRequest,
  ): UnitOfWork<IdempotencyKey> {
    const record = yield* this.keys.find(ownerId, key);
    // Swept away since.
    if (!record) throw new ChatSessionsError('key_in_use');
    if (record.requestHash !== hash) throw new ChatSessionsError('key_reused');
    return record;
  }
}
