import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { isDuplicateKey } from '../../database/errors.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { RunEndings } from '../answers/run-endings.js';
import { ChatSessionsError, type ChatSessionsErrorCode } from '../errors.js';
import {
  ChatSessionsRepository,
  type SessionKey,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatMessage } from '../store/entities/chat-message.entity.js';
import type { IfMatch } from './entity-tag.js';
import type { IdempotencyKey } from './idempotency/idempotency-key.entity.js';
import type { RepeatableRequest } from './idempotency/idempotency-key.js';
import { Idempotency } from './idempotency/idempotency.js';
import { ResponseCache } from './response-cache.js';
import { type SessionEvent, SessionEvents } from './session-events.js';

/** The result of a write. */
export interface Written {
  session: SessionState;
  messages?: ChatMessage[];
  /** Whether something was created, now or by the request that this one repeats: 201 rather than 200. */
  created: boolean;
  /** Whether an earlier request with the same Idempotency-Key did it. */
  replayed?: boolean;
}

export interface WriteOptions {
  /** Throws `version_moved` if the session has another version. */
  ifMatch?: IfMatch;
  /** The request with its Idempotency-Key: it is done once. Throws `key_in_use`, `key_reused`. */
  request?: RepeatableRequest;
}

/** Finds, as it is now, what an earlier request with the same Idempotency-Key did. */
type Replay<Result extends Written> = (
  record: IdempotencyKey,
) => UnitOfWork<Result>;

/** A new session. */
export interface SessionCreation<Result extends Written> {
  create: () => UnitOfWork<Result>;
  replay?: Replay<Result>;
}

/** A change of one session. */
export interface SessionChange<Result extends Written> {
  type: Exclude<SessionEvent['type'], 'created'>;
  /** Whether it may be made while an answer is being written. Others throw `run_active` then. */
  isAllowedDuringRun?: boolean;
  /**
   * Makes the change.
   * @param session locked until the commit
   * @param now time of the change, never before the session's `updatedAt`
   */
  apply: (session: SessionState, now: Date) => UnitOfWork<Result>;
  /** Validates the change, before If-Match is checked. */
  validate?: () => void;
  /** Called if If-Match fails, a row exists, or the place of new messages is gone: finds the result of the same write, if it was sent before. */
  findRepeated?: (session: SessionState) => UnitOfWork<Result | undefined>;
  /** Needed for requests with an Idempotency-Key. */
  replay?: Replay<Result>;
}

/**
 * The one way to change a session. A write is one transaction, which may run
 * more than once, and passes these steps:
 *
 * 1. until the write has ended, no response comes from the cache;
 * 2. the Idempotency-Key is inserted; if it exists, the request is replayed;
 * 3. the session is locked, If-Match is checked, and unless the change may be made
 *    during a run, a run whose lease has run out is ended, and an active one refuses
 *    the change;
 * 4. the change is applied and committed;
 * 5. `SessionEvents` tells its listeners.
 */
@Injectable()
export class SessionWrites {
  constructor(
    private readonly database: Database,
    private readonly sessions: ChatSessionsRepository,
    private readonly runs: RunEndings,
    private readonly idempotency: Idempotency,
    private readonly cache: ResponseCache,
    private readonly events: SessionEvents,
  ) {}

  /** Throws EntityNotFoundError and what the options and the change throw. */
  async run<Result extends Written>(
    key: SessionKey,
    change: SessionChange<Result>,
    { ifMatch, request }: WriteOptions = {},
  ): Promise<Result> {
    const { sessions, runs, idempotency } = this;
    let hasChanged = false;

    function* first(): UnitOfWork<Result> {
      // An attempt before this one may have applied the change, and failed at its commit.
      hasChanged = false;
      const { ownerId, id } = key;
      const session = yield* sessions.lock(ownerId, id);
      const { version } = session;
      change.validate?.();
      try {
        ifMatch?.check(session);
        const now = timeOfChange(session);
        if (!change.isAllowedDuringRun) yield* runs.endExpired(session, now);
        const result = yield* change.apply(session, now);
        hasChanged =
          change.type === 'deleted' || result.session.version !== version;
        return result;
      } catch (error) {
        const repeated =
          change.findRepeated && isRefusal(error)
            ? yield* change.findRepeated(session)
            : undefined;
        if (!repeated) throw error;
        // A run may have been ended before.
        hasChanged = session.version !== version;
        return repeated;
      }
    }

    const attempt = { first, again: change.replay };
    const result = await this.cache.invalidateAround(key, () =>
      this.database.write(() =>
        idempotency.once(key.ownerId, request, attempt),
      ),
    );
    const { session, replayed } = result;
    if (hasChanged && !replayed)
      this.events.publish({ type: change.type, session });
    return result;
  }

  /** Throws what the creation throws, `key_in_use` and `key_reused`. */
  async create<Result extends Written>(
    ownerId: string,
    creation: SessionCreation<Result>,
    { request }: Pick<WriteOptions, 'request'> = {},
  ): Promise<Result> {
    const attempt = { first: creation.create, again: creation.replay };
    const result = await this.database.write(() =>
      this.idempotency.once(ownerId, request, attempt),
    );
    const { session, created, replayed } = result;
    if (created && !replayed) this.events.publish({ type: 'created', session });
    return result;
  }
}

/** Now; but clocks of several instances differ, and the times of a session never go back. */
export function timeOfChange({ updatedAt }: SessionState): Date {
  return new Date(Math.max(updatedAt.getTime(), Date.now()));
}

/** Errors of a write that may be done already, and whose session has changed since. */
const REFUSALS = new Set<ChatSessionsErrorCode>([
  'version_moved',
  'parent_unknown',
  'after_unknown',
  'too_many_branches',
  'run_active',
]);

/** Whether a write that is sent again may fail with this error because it is done. */
function isRefusal(error: unknown): boolean {
  return (
    isDuplicateKey(error) ||
    (error instanceof ChatSessionsError && REFUSALS.has(error.code))
  );
}
