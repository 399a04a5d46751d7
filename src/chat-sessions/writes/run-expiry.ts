import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { EntityNotFoundError } from 'typeorm';
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
 * Ends runs whose lease has run out when somebody reads their session or a page
 * of it, so that later reads find a finished answer, with an ETag.
 */
@Injectable()
export class RunExpiry implements OnModuleDestroy {
  private readonly logger = new Logger(RunExpiry.name);
  /** Writes in progress, by session. */
  private readonly running = new Map<string, Promise<void>>();
  private isStopped = false;
  private nextAt = 0;

  constructor(
    private readonly writes: SessionWrites,
    private readonly runs: RunEndings,
  ) {}

  /** Returns at once: the write may fail, on a server that is read-only, for instance. */
  settle(key: SessionKey, run: ChatRun | null | undefined): void {
    if (run?.status !== 'expired' || Date.now() < this.nextAt) return;
    if (this.isStopped || this.running.has(key.id)) return;
    const { runs } = this;
    function* apply(session: SessionState, now: Date): UnitOfWork<Written> {
      yield* runs.endIfExpired(session, now);
      return { session, created: false };
    }
    const write = this.writes
      .run<Written>(key, { type: 'updated', isAllowedDuringRun: true, apply })
      .then(() => undefined)
      .catch((error: unknown) => {
        // The session was deleted since.
        if (error instanceof EntityNotFoundError) return;
        this.nextAt = Date.now() + PAUSE_MS;
        this.logger.warn({
          message: 'A run whose lease has run out was not ended',
          error: describeError(error),
        });
      })
      .finally(() => this.running.delete(key.id));
    this.running.set(key.id, write);
  }

  /** Waits for the writes in progress, before the store is closed. */
  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.running.values());
  }
}
