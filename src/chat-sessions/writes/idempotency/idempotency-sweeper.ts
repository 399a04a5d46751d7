import { Injectable } from '@nestjs/common';
import { Database } from '../../../database/database.js';
import type { UnitOfWork } from '../../../database/unit-of-work.js';
import { ChatSessionsSettings } from '../../options.js';
import { BackgroundTask } from '../background-task.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

const LONGEST_PAUSE_MS = 10 * 60_000;
/** Rows of a batch. Small, because on SQLite a batch blocks the process. */
const BATCH = 100;

interface Batch {
  found: number;
  deleted: number;
}

/** Deletes Idempotency-Keys that are older than `idempotencyTtl`. */
@Injectable()
export class IdempotencySweeper extends BackgroundTask {
  private readonly ttlMs: number;

  constructor(
    private readonly database: Database,
    private readonly keys: IdempotencyKeysRepository,
    { idempotencyTtl }: ChatSessionsSettings,
  ) {
    const ttlMs = idempotencyTtl * 1000;
    super({
      pauseMs: Math.min(LONGEST_PAUSE_MS, ttlMs),
      failure: 'Old Idempotency-Keys were not deleted',
    });
    this.ttlMs = ttlMs;
  }

  /** Returns the number of deleted keys. */
  async run(): Promise<number> {
    const before = new Date(Date.now() - this.ttlMs);
    let swept = 0;
    await this.repeat(async () => {
      const { found, deleted } = await this.database.write(() =>
        this.deleteBatch(before),
      );
      swept += deleted;
      return found === BATCH;
    });
    return swept;
  }

  private *deleteBatch(before: Date): UnitOfWork<Batch> {
    const old = yield* this.keys.findOlder(before, BATCH);
    const deleted = yield* this.keys.deleteOlder(old, before);
    return { found: old.length, deleted };
  }
}
