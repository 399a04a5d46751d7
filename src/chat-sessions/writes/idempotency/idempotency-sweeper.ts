import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Database } from '../../../database/database.js';
import type { UnitOfWork } from '../../../database/unit-of-work.js';
import { describeError } from '../../../errors/describe-error.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { ChatSessionsSettings } from '../../options.js';

const LONGEST_PAUSE_MS = 10 * 60_000;
/** Small enough to hold up nobody: on SQLite a batch has the whole process for itself. */
const BATCH = 100;

interface Batch {
  found: number;
  deleted: number;
}

/** Deletes keys that are too old. Each instance does it now and then; that others do it, too, disturbs nobody. */
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
    // Instances that started together do not sweep together.
    this.schedule(Math.random());
  }

  /** Before the store is closed; a batch that has begun is waited for. */
  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
  }

  /** Resolves to how many keys were deleted. */
  async sweep(): Promise<number> {
    const before = new Date(Date.now() - this.ttlMs);
    let swept = 0;
    for (;;) {
      const { found, deleted } = await this.database.write(() =>
        this.deleteBatch(before),
      );
      swept += deleted;
      if (found < BATCH || this.isStopped) return swept;
      // On SQLite nothing else would come between the batches.
      await turnOfTheLoop();
    }
  }

  private *deleteBatch(before: Date): UnitOfWork<Batch> {
    const old = yield* this.keys.findOlder(before, BATCH);
    const deleted = yield* this.keys.deleteOlder(old, before);
    return { found: old.length, deleted };
  }

  /** @param pauses until the next sweep */
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
