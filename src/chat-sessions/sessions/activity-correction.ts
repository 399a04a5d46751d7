import { Injectable, Logger } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { describeError } from '../../errors/describe-error.js';
import type { ChatSession } from '../store/entities/chat-session.entity.js';
import {
  isAhead,
  SessionListsRepository,
} from '../store/session-lists.repository.js';

/** Pause after a correction that failed, or found nothing to correct. */
const PAUSE_MS = 60_000;

/**
 * Corrects sessions that were written by an instance whose clock was ahead: they
 * would stay first in lists until that time has come.
 */
@Injectable()
export class ActivityCorrection {
  private readonly logger = new Logger(ActivityCorrection.name);
  private nextAt = 0;

  constructor(
    private readonly database: Database,
    private readonly lists: SessionListsRepository,
  ) {}

  /** Returns at once: the correction may fail, on a server that is read-only, for instance. */
  correct(sessions: ChatSession[]): void {
    const now = new Date();
    const ahead = sessions.filter(({ lastActivityAt }) =>
      isAhead(lastActivityAt, now),
    );
    if (ahead.length === 0 || now.getTime() < this.nextAt) return;
    this.nextAt = now.getTime() + PAUSE_MS;
    this.database
      .write(() => this.lists.correctActivity(ahead))
      .then((corrected) => {
        // If nothing was, the clock of this instance is behind.
        if (corrected > 0) this.nextAt = 0;
      })
      .catch((error: unknown) => {
        this.logger.warn({
          message: 'Sessions of a clock that is ahead were not corrected',
          error: describeError(error),
        });
      });
  }
}
