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
 * everything else for some two seconds (`npx tsx test/bench/large-reads.ts`).
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
    });
  }

  /** Runs the work as `Database.read` does. If it turns out to be large, it starts again in turn. */
  async read<T>(work: (admit: Admit) => UnitOfWork<T>): Promise<T> {
    const start = performance.now();
    try {
      return await this.database.read(() => work(refuseLarge));
    } catch (error) {
      if (!(error instanceof LargeRead)) throw error;
    }
    const elapsed = performance.now() - start;
    const deadline = new Deadline(this.settings.deadlineMs - elapsed);
    return deadline.race(this.inTurn(work)).finally(() => deadline.end());
  }

  private inTurn<T>(work: (admit: Admit) => UnitOfWork<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.queue
        .run('read', async () => {
          resolve(await this.database.read(() => work(() => undefined)));
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
