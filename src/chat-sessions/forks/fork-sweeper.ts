import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { Purger } from '../removal/purger.js';
import { ChatForksRepository } from '../store/chat-forks.repository.js';
import { BackgroundTask } from '../writes/background-task.js';
import { ForkCopies } from './fork-copies.js';

/** Gives up the forks of processes that have ended. */
@Injectable()
export class ForkSweeper extends BackgroundTask {
  constructor(
    private readonly database: Database,
    private readonly forks: ChatForksRepository,
    private readonly copies: ForkCopies,
    private readonly purger: Purger,
  ) {
    super({
      pauseMs: 60_000,
      failure: 'Forks that are not complete were not removed',
    });
  }

  async run(): Promise<void> {
    const now = new Date();
    const due = await this.database.read(() => this.forks.due(now));
    for (const { sessionId } of due) {
      await this.database.write(() => this.copies.giveUp(sessionId, now));
    }
    if (due.length > 0) this.purger.wake();
  }
}
