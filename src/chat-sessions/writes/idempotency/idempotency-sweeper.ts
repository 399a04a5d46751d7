import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Database } from '../../../database/database.js';
import type { UnitOfWork } from '../../../database/unit-of-work.js';
import { describeError } from '../../../errors/describe-error.js';
import { ChatSessionsSettings } from '../../options.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

const LONGEST_PAUSE_MS = 10 * 60_000;
/** Rows of a batch. Small, because on SQLite a batch blocks the process. */
const BATCH = 100;

interface Batch {
  found: number;
  deleted: number;
}

/** Deletes Idempotency-Keys that are older than `idempotencyTtl`. Every instance does; they do not disturb each other. */
@Injectable()
export class IdempotencySweeper
  implements OnApplicationBootstrap, OnModuleDestroy
{
  private readonly logger = new Logger(IdempotencySweeper.name);
  private readonly ttlMs: number;
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> | undefined;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    private readonly keys: IdempotencyKeysRepository,
    { idempotencyTtl }: ChatSessionsSettings,
  ) {
    this.ttlMs = idempotencyTtl * 1000;
  }

  onApplicationBootstrap(): void {
    // A random first pause, so that instances that start together sweep at different times.
    this.schedule(Math.random());
  }

  /** Waits for the batch in progress, before the store is closed. */
  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
  }

  /** Returns the number of deleted keys. */
  async sweep(): Promise<number> {
    const before = new Date(Date.now() - this.ttlMs);
    let swept = 0;
    for (;;) {
      const { found, deleted } = await this.database.write(() =>
        this.deleteBatch(before),
      );
      swept += deleted;
      if (found < BATCH || this.isStopped) return swept;
      // Lets requests run between two batches on SQLite.
      await nextTurn();
    }
  }

  private *deleteBatch(before: Date): UnitOfWork<Batch> {
    const old = yield* this.keys.findOlder(before, BATCH);
    const deleted = yield* this.keys.deleteOlder(old, before);
    return { found: old.length, deleted };
  }

  /** @param pauses how many pauses to wait before the next sweep */
  private schedule(pauses = 1): void {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, this.ttlMs);
    this.timer = setTimeout(() => {
      this.sweeping = this.sweepAndGoOn();
    }, pauses * pauseMs).unref();
  }

  private async sweepAndGoOn(): Promise<void> {
    try {
      await this.sweep();
    } catch (error) {
      this.logger.warn({
        message: 'Old Idempotency-Keys were not deleted',
        error: describeError(error),
      });
    }
    if (!this.isStopped) this.schedule();
  }
}
