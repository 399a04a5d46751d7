import { Injectable, Logger } from '@nestjs/common';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { describeError } from '../../errors/describe-error.js';
import { RunEndings } from '../answers/run-endings.js';
import type {
  SessionKey,
  SessionState,
} from '../store/chat-sessions.repository.js';
import type { ChatRun } from '../store/entities/chat-run.entity.js';
import { SessionWrites, type Written } from './session-writes.js';

/** Pause after an attempt that failed. */
const PAUSE_MS = 10_000;

/**
 * Ends runs whose lease has run out when somebody reads their session, so that
 * later reads find a finished answer, with an ETag.
 */
@Injectable()
export class RunExpiry {
  private readonly logger = new Logger(RunExpiry.name);
  private readonly running = new Set<string>();
  private nextAt = 0;

  constructor(
    private readonly writes: SessionWrites,
    private readonly runs: RunEndings,
  ) {}

  /** Returns at once: the write may fail, on a server that is read-only, for instance. */
  settle(key: SessionKey, run: ChatRun | null | undefined): void {
    if (run?.status !== 'expired' || Date.now() < this.nextAt) return;
    if (this.running.has(key.id)) return;
    this.running.add(key.id);
    const { runs } = this;
    function* apply(session: SessionState, now: Date): UnitOfWork<Written> {
      yield* runs.endIfExpired(session, now);
      return { session, created: false };
    }
    this.writes
      .run(key, { type: 'updated', isAllowedDuringRun: true, apply })
      .catch((error: unknown) => {
        this.nextAt = Date.now() + PAUSE_MS;
        this.logger.warn({
          message: 'A run whose lease has run out was not ended',
          error: describeError(error),
        });
      })
      .finally(() => this.running.delete(key.id));
  }
}
