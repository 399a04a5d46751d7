import { Injectable } from '@nestjs/common';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import {
  ChatMessagesRepository,
  NO_MESSAGES,
} from '../store/chat-messages.repository.js';
import { ChatPurgesRepository } from '../store/chat-purges.repository.js';
import {
  ChatSessionsRepository,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { Written } from '../writes/session-writes.js';

export interface Removed extends Written {
  /** Whether rows are left for the purger. */
  isPurgeNeeded: boolean;
}

/** One transaction removes at most this many messages, of this many bytes. */
const MOST_MESSAGES = 2_000;
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Clears and deletes sessions. The messages of a long one would not be removed
 * within a request's deadline, so they only go out of sight, in one short
 * transaction: seqs below the first of their session are never read, and a
 * deleted session has no owner. `Purger` removes the rows.
 */
@Injectable()
export class Removal {
  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly purges: ChatPurgesRepository,
  ) {}

  *clear(session: SessionState, now: Date): UnitOfWork<Removed> {
    const isPurgeNeeded = isLong(session);
    if (isPurgeNeeded) yield* this.purges.insert(session, now);
    else yield* this.messages.deleteAll(session);
    yield* this.sessions.update(session, NO_MESSAGES, { now });
    return { session, created: false, isPurgeNeeded };
  }

  *delete(session: SessionState, now: Date): UnitOfWork<Removed> {
    const wasCleared = session.lastSeq > session.messageCount;
    const isPurgeNeeded =
      isLong(session) ||
      (wasCleared && (yield* this.purges.lock(session.id)).length > 0);
    if (isPurgeNeeded) {
      if (session.messageCount > 0) yield* this.purges.insert(session, now);
      yield* this.sessions.disown(session);
    } else yield* this.sessions.delete(session);
    return { session, created: false, isPurgeNeeded };
  }
}

/** Whether a session has more than one transaction should write. */
export function isLong({
  messageCount,
  maxMessageBytes,
}: Pick<SessionState, 'messageCount' | 'maxMessageBytes'>): boolean {
  return (
    messageCount > MOST_MESSAGES || messageCount * maxMessageBytes > MOST_BYTES
  );
}
