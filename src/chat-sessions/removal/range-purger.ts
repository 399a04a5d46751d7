import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { ChatSessionsSettings } from '../options.js';
import { ChatRangePurgesRepository } from '../store/chat-range-purges.repository.js';
import {
  ChatSessionsRepository,
  type SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatRangePurge } from '../store/entities/chat-range-purge.entity.js';
import { HiddenMessagesRepository } from '../store/hidden-messages.repository.js';
import { TreesRepository } from '../store/trees.repository.js';
import { hasAnyOf } from '../tree/tree.js';
import { BackgroundTask } from '../writes/background-task.js';

/**
 * Blanks the rows of messages that a long deletion has hidden, in batches, right
 * after it, and deletes blank rows after `removalGrace`. What a killed process
 * has not done, the next run of any instance does.
 */
@Injectable()
export class RangePurger extends BackgroundTask {
  private readonly graceMs: number;

  constructor(
    private readonly database: Database,
    private readonly sessions: ChatSessionsRepository,
    private readonly trees: TreesRepository,
    private readonly messages: HiddenMessagesRepository,
    private readonly purges: ChatRangePurgesRepository,
    { removalGrace }: ChatSessionsSettings,
  ) {
    super({
      pauseMs: 60_000,
      failure: 'Messages that were deleted inside a session were not removed',
    });
    this.graceMs = removalGrace * 1000;
  }

  /** Goes on with the other sessions if one fails, and throws the last error at the end. */
  async run(): Promise<void> {
    let failure: unknown;
    const failed: string[] = [];
    while (!this.isStopped) {
      const next = await this.database.read(() =>
        this.purges.next(new Date(), failed),
      );
      if (!next) break;
      try {
        await this.repeat(() =>
          this.database.write(() => this.removeBatch(next)),
        );
      } catch (error) {
        failure = error;
        failed.push(next.sessionId);
      }
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Returns whether there may be more to do. The session is locked first, as by
   * every write: another instance may have done it. Rows of a deleted session are
   * removed with it.
   */
  private *removeBatch({
    ownerId,
    sessionId,
    fromSeq,
  }: ChatRangePurge): UnitOfWork<boolean> {
    const session = yield* this.sessions.tryLock(ownerId, sessionId);
    const purge = yield* this.purges.find(sessionId, fromSeq);
    if (!purge || purge.dueAt > new Date()) return false;
    if (session && (yield* this.isHidden(session, purge))) {
      if (purge.blankTo < purge.toSeq) {
        return yield* this.blankBatch(session, purge);
      }
      const range = { from: fromSeq, to: purge.toSeq };
      if (yield* this.messages.deleteBatch(purge, range)) return true;
    }
    yield* this.purges.delete(purge);
    return false;
  }

  /** A row that is deleted cannot come back, so the session itself must say that nobody sees it. */
  private *isHidden(
    session: SessionState,
    { fromSeq: from, toSeq: to }: ChatRangePurge,
  ): UnitOfWork<boolean> {
    return !hasAnyOf(yield* this.trees.get(session), { from, to });
  }

  private *blankBatch(
    session: SessionState,
    purge: ChatRangePurge,
  ): UnitOfWork<boolean> {
    const { toSeq } = purge;
    const range = { from: purge.blankTo + 1, to: toSeq };
    const last = yield* this.messages.blankBatch(session, range);
    const blankTo = last ?? toSeq;
    const isMore = blankTo < toSeq;
    const dueAt = isMore ? purge.dueAt : new Date(Date.now() + this.graceMs);
    yield* this.purges.update(purge, { blankTo, dueAt });
    return isMore;
  }
}
