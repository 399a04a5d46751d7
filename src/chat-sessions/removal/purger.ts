import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { ChatPurgesRepository } from '../store/chat-purges.repository.js';
import { ChatSessionsRepository } from '../store/chat-sessions.repository.js';
import { HiddenMessagesRepository } from '../store/hidden-messages.repository.js';
import { firstSeqOf } from '../tree/stored-tree.js';
import { BackgroundTask } from '../writes/background-task.js';

/**
 * Removes the rows that `Removal` has left, in batches, right after the clear or
 * the delete of a session. What a killed process has not removed, the next run of any
 * instance does.
 */
@Injectable()
export class Purger extends BackgroundTask {
  constructor(
    private readonly database: Database,
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: HiddenMessagesRepository,
    private readonly purges: ChatPurgesRepository,
  ) {
    super({
      pauseMs: 60_000,
      failure: 'Messages of cleared or deleted sessions were not removed',
    });
  }

  /** Goes on with the other sessions if one fails, and throws the last error at the end. */
  async run(): Promise<void> {
    let failure: unknown;
    let sessionId = '';
    while (!this.isStopped) {
      const next = await this.database.read(() => this.purges.next(sessionId));
      if (!next) break;
      ({ sessionId } = next);
      try {
        await this.repeat(() =>
          this.database.write(() => this.removeBatch(sessionId)),
        );
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Returns whether there may be more to remove. The session is locked first, as
   * by every write: another instance may have removed all, and the client may have
   * created a session with the same id since.
   */
  private *removeBatch(sessionId: string): UnitOfWork<boolean> {
    const session = yield* this.sessions.lockById(sessionId);
    const [purge, ...others] = yield* this.purges.lock(sessionId);
    if (!purge) return false;
    const isGone =
      session !== undefined &&
      (this.sessions.isDisowned(session) ||
        purge.lastSeq < firstSeqOf(session));
    const range = { from: 0, to: purge.lastSeq };
    if (isGone && (yield* this.messages.deleteBatch(purge, range))) return true;
    yield* this.purges.delete(purge);
    if (others.length > 0) return true;
    yield* this.sessions.deleteDisowned(sessionId);
    return false;
  }
}
