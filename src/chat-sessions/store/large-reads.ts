import { Injectable } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Database } from '../../database/database.js';
import { Deadline } from '../../database/deadline.js';
import { StoreQueue } from '../../database/store-queue.js';
import type { UnitOfWork } from '../../database/unit-of-work.js';
import { ChatSessionsSettings } from '../options.js';

/** Reads of at most this many bytes run at any time (1 MiB). */
export const SMALL_BYTES = 1024 * 1024;
/** Larger reads that may wait; more are shed. */
const MAX_WAITING = 200;

/** Called before a unit of work reads much, with the most bytes that this may be. */
export type Admit = (bytes: number) => void;

class LargeRead extends Error {}

/**
 * Runs reads, and large ones one after the other. A read of 4 MiB needs several
 * times that in memory, and fifty at the same time would keep the process from
 * everything else for some two seconds (`npx tsx test/bench/large-requests.ts`).
 */
@Injectable()
export class LargeReads {
  private readonly queue: StoreQueue;

  constructor(
    private readonly database: Database,
    private readonly settings: ChatSessionsSettings,
  ) {
    const { deadlineMs } = settings;
    this.queue = new StoreQueue({
      concurrency: 1,
      maxWaiting: MAX_WAITING,
      deadlineMs,
      waiting: 'large reads are waiting for their turn',
    });
  }

  /** Runs the work as `Database.read` does. If it turns out to be large, it starts again in turn. */
  async read<T>(work: (admit: Admit) => UnitOfWork<T>): Promise<T> {
    const startedAt = performance.now();
    const start = (admit: Admit) => this.database.read(() => work(admit));
    try {
      return await start(refuseLarge);
    } catch (error) {
      if (!(error instanceof LargeRead)) throw error;
    }
    const elapsed = performance.now() - startedAt;
    const deadline = new Deadline(this.settings.deadlineMs - elapsed);
    return deadline.race(this.inTurn(start)).finally(() => deadline.end());
  }

  /**
   * Runs a write that also reads. If it turns out to be large, `admit` throws,
   * which rolls it back, and it starts again in turn. Its own deadline begins
   * then: a write that has begun must not be given up.
   */
  async write<T>(start: (admit: Admit) => Promise<T>): Promise<T> {
    try {
      return await start(refuseLarge);
    } catch (error) {
      if (!(error instanceof LargeRead)) throw error;
    }
    return this.inTurn(start);
  }

  private inTurn<T>(start: (admit: Admit) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.queue
        .run('read', async () => {
          resolve(await start(() => undefined));
          // The response is written before the next read begins.
          await nextTurn();
        })
        .catch(reject);
    });
  }
}

function refuseLarge(bytes: number): void {
  if (bytes > SMALL_BYTES) throw new LargeRead();
}
