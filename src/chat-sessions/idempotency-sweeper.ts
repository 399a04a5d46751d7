import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Database } from '../database/database.js';
import { describeError } from '../describe-error.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';

const LONGEST_PAUSE_MS = 10 * 60_000;
/** Small enough to hold up nobody. */
const BATCH = 500;

export abstract class IdempotencySettings {
  /** Seconds that a key is known for, at least. */
  abstract readonly IDEMPOTENCY_TTL: number;
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

  constructor(
    private readonly database: Database,
    private readonly keys: IdempotencyKeysRepository,
    { IDEMPOTENCY_TTL }: IdempotencySettings,
  ) {
    this.ttlMs = IDEMPOTENCY_TTL * 1000;
  }

  onApplicationBootstrap(): void {
    const pause = Math.min(LONGEST_PAUSE_MS, this.ttlMs);
    // A rhythm of its own, so that instances that started together do not sweep together.
    this.timer = setInterval(
      () => {
        this.sweeping = this.trySweep();
      },
      pause * (0.5 + Math.random() / 2),
    ).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** Resolves to how many keys were deleted. */
  async sweep(): Promise<number> {
    const before = new Date(Date.now() - this.ttlMs);
    let swept = 0;
    for (;;) {
      const deleted = await this.database.write(this, function* () {
        return yield* this.keys.deleteOldest(before, BATCH);
      });
      swept += deleted;
      if (deleted < BATCH) return swept;
    }
  }

  private async trySweep(): Promise<void> {
    try {
      await this.sweep();
    } catch (error) {
      this.logger.warn(`The sweep failed: ${describeError(error)}`);
    }
  }
}
