import { Injectable } from '@nestjs/common';
import type { Statement, UnitOfWork } from '../../database/unit-of-work.js';
import { ChatSessionsSettings } from '../options.js';
import {
  ChatMessagesRepository,
  NO_MESSAGES,
} from '../store/chat-messages.repository.js';
import { ChatPurgesRepository } from '../store/chat-purges.repository.js';
import { ChatRangePurgesRepository } from '../store/chat-range-purges.repository.js';
import { ChatRunsRepository } from '../store/chat-runs.repository.js';
import {
  ChatSessionsRepository,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import { HiddenMessagesRepository } from '../store/hidden-messages.repository.js';
import { firstSeqOf } from '../tree/stored-tree.js';
import { type SeqRange, sizeOf } from '../tree/tree.js';
import type { Written } from '../writes/session-writes.js';

export interface Removed extends Written {
  /** Whether rows are left for the purger. */
  isPurgeNeeded: boolean;
}

/** The part of a change that hides messages. */
export interface Hiding {
  statements: Statement[];
  /** Whether there is work for `RangePurger` now. */
  isPurgeNeeded: boolean;
}

/** One transaction removes at most this many messages, of this many bytes. */
const MOST_MESSAGES = 2_000;
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Clears and deletes sessions, and messages inside of them. The messages of a
 * long one would not be removed within a request's deadline, so they only go out
 * of sight, in one short transaction: seqs that are not in the tree of their
 * session are never read, and a deleted session has no owner. `Purger` removes the
 * rows of whole sessions, `RangePurger` those inside of one.
 */
@Injectable()
export class Removal {
  private readonly graceMs: number;

  constructor(
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly hidden: HiddenMessagesRepository,
    private readonly purges: ChatPurgesRepository,
    private readonly rangePurges: ChatRangePurgesRepository,
    private readonly runs: ChatRunsRepository,
    { removalGrace }: ChatSessionsSettings,
  ) {
    this.graceMs = removalGrace * 1000;
  }

  /**
   * Hides messages of a locked session that its new tree does not have. Their rows
   * stay for `removalGrace`: an instance of the version before reads a row for
   * each seq.
   */
  hide(session: SessionState, ranges: readonly SeqRange[]): Hiding {
    const messageCount = sizeOf(ranges);
    const { maxMessageBytes } = session;
    const isBlank = !isLong({ messageCount, maxMessageBytes });
    const waitMs = isBlank ? this.graceMs : 0;
    const dueAt = new Date(Date.now() + waitMs);
    return {
      statements: [
        ...(isBlank ? this.hidden.blanks(session, ranges) : []),
        ...this.rangePurges.insertions(session, ranges, { isBlank, dueAt }),
      ],
      isPurgeNeeded: messageCount > 0 && waitMs === 0,
    };
  }

  *clear(session: SessionState, now: Date): UnitOfWork<Removed> {
    const isPurgeNeeded = isLong(session);
    if (isPurgeNeeded) yield* this.purges.insert(session, now);
    else yield* this.messages.deleteAll(session);
    yield* this.sessions.update(session, NO_MESSAGES, { now });
    return { session, created: false, isPurgeNeeded };
  }

  *delete(session: SessionState, now: Date): UnitOfWork<Removed> {
    const { id, lastSeq, messageCount } = session;
    let isPurgeNeeded = isLong(session);
    let isListed = false;
    if (!isPurgeNeeded && lastSeq > messageCount) {
      // Rows of earlier messages may be there, which the session does not count.
      const purges = yield* this.purges.lock(id);
      isListed = purges.some((purge) => purge.lastSeq === lastSeq);
      const hidden = yield* this.rangePurges.countBefore(
        id,
        firstSeqOf(session),
      );
      isPurgeNeeded =
        purges.length > 0 ||
        isLong({ ...session, messageCount: messageCount + hidden });
    }
    if (isPurgeNeeded) {
      if (!isListed) yield* this.purges.insert(session, now);
      // Its writer must not go on; rows that are deleted here take their runs with them.
      if (session.activeRunSeq !== null) {
        yield* this.runs.delete(session, session.activeRunSeq);
      }
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
