import { HttpStatus, Injectable } from '@nestjs/common';
import { isDuplicateKey, isLockWaitTimeout } from '../../../database/errors.js';
import {
  type UnitOfWork,
  uncommitted,
} from '../../../database/unit-of-work.js';
import { ChatSessionsError } from '../../errors.js';
import type { Written } from '../session-writes.js';
import type { IdempotencyKey } from './idempotency-key.entity.js';
import type { RepeatableRequest } from './idempotency-key.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

interface Attempt<Result extends Written> {
  /** Does the write. */
  first: () => UnitOfWork<Result>;
  /** Finds what the first request did, as it is now. */
  again?: (record: IdempotencyKey) => UnitOfWork<Result>;
}

const { CREATED, OK } = HttpStatus;

/**
 * At most two identical requests hold a connection: one inserts the key, one
 * waits for it. If more could wait, they would soon hold all connections.
 */
const MAX_CLAIMS = 2;

/** Does a write with an Idempotency-Key once. */
@Injectable()
export class Idempotency {
  /** Requests of this process that are inserting a key or waiting for it, by owner and key. */
  private readonly claims = new Map<string, number>();

  constructor(private readonly keys: IdempotencyKeysRepository) {}

  /**
   * Runs within the write's own transaction: either both the write and its key
   * are stored, or neither. The key is inserted first; if it exists, the write
   * was done, and `again` finds its result. Reading or locking the key first
   * would make identical requests deadlock. Throws `key_reused`, `key_in_use`.
   */
  *once<Result extends Written>(
    ownerId: string,
    request: RepeatableRequest | undefined,
    { first, again }: Attempt<Result>,
  ): UnitOfWork<Result> {
    if (!request) return yield* first();
    if (!again) throw new TypeError('This write takes no Idempotency-Key');
    if (!(yield* this.claim(ownerId, request))) {
      const record = yield* this.find(ownerId, request);
      // Deleted since: it was too old.
      if (!record) throw new ChatSessionsError('key_in_use');
      const created = record.status === CREATED;
      const result = yield* again(record);
      return { ...result, created, replayed: true };
    }
    const result = yield* uncommitted(first());
    const { session, messages = [], created } = result;
    yield* this.keys.update(ownerId, request.key, {
      status: created ? CREATED : OK,
      sessionId: session.id,
      messageIds: messages.map(({ id }) => id),
    });
    return result;
  }

  /** Inserts the key; false if it exists. Waits until another request that holds it has ended. */
  private *claim(
    ownerId: string,
    request: RepeatableRequest,
  ): UnitOfWork<boolean> {
    const name = `${ownerId}\n${request.key}`;
    const claims = this.claims.get(name) ?? 0;
    if (claims === MAX_CLAIMS) throw new ChatSessionsError('key_in_use');
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

  /** The record of a request that was done before, or undefined. Throws `key_reused`. */
  *find(
    ownerId: string,
    { key, hash, formerHash }: RepeatableRequest,
  ): UnitOfWork<IdempotencyKey | undefined> {
    const record = yield* this.keys.find(ownerId, key);
    if (!record) return undefined;
    if (record.requestHash !== hash && record.requestHash !== formerHash) {
      throw new ChatSessionsError('key_reused');
    }
    return record;
  }
}
