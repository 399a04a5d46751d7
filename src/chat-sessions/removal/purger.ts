import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Database } from '../../database/database.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { ChatMessagesRepository } from '../store/chat-messages.repository.js';
import { ChatPurgesRepository } from '../store/chat-purges.repository.js';
import { ChatSessionsRepository } from '../store/chat-sessions.repository.js';
import { BackgroundTask } from '../writes/background-task.js';

/**
 * Removes the rows that `Removal` has left, in batches, right after the clear or
 * the delete. What a killed process has not removed, the next run of any
 * instance does.
 */
@Injectable()
export class Purger extends BackgroundTask {
  constructor(
    private readonly database: Database,
    private readonly sessions: ChatSessionsRepository,
    private readonly messages: ChatMessagesRepository,
    private readonly purges: ChatPurgesRepository,
  ) {
    super({
      pauseMs: 60_000,
      failure: 'Messages of cleared or deleted sessions were not removed',
    });
  }

  async run(): Promise<void> {
    while (await this.database.write(() => this.removeBatch())) {
      if (this.isStopped) return;
      // Lets requests run between two batches on SQLite.
      await nextTurn();
    }
  }

  /** Returns whether there may be more to remove. */
  private *removeBatch(): UnitOfWork<boolean> {
    const purge = yield* this.purges.next();
    if (!purge) return false;
    if (yield* this.messages.deleteBatch(purge)) return true;
    yield* this.purges.delete(purge);
    if (!(yield* this.purges.lock(purge.sessionId))) {
      yield* this.sessions.deleteDisowned(purge.sessionId);
    }
    return true;
  }
}
