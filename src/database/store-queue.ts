import { Logger } from '@nestjs/common';
import { Deadline } from './deadline.js';
import { StoreUnavailableError } from './errors.js';

/** Pause between two log lines about requests that were shed (10 s). */
const REPORT_MS = 10_000;

export interface StoreQueueOptions {
  /** Units of work that run at once. */
  concurrency: number;
  /** Units of work that may wait for their turn. */
  maxWaiting: number;
  /** Milliseconds for a unit of work, waiting included. */
  deadlineMs: number;
}

/**
 * Limits concurrent work on the store. Excess work waits in a bounded queue. It
 * is shed if the queue is full, or if it has used up half of its deadline before
 * it starts: work that ends too late takes the place of work that would not.
 */
export class StoreQueue {
  private running = 0;
  /** Starts of the work that waits, oldest first. */
  private readonly waiting: (() => void)[] = [];
  private readonly logger = new Logger(StoreQueue.name);
  private shedCount = 0;
  private reportedAt = -Infinity;

  constructor(private readonly options: StoreQueueOptions) {}

  /** Runs work in the order of arrival. Throws StoreUnavailableError. */
  async run<T>(work: (deadline: Deadline) => Promise<T>): Promise<T> {
    const { concurrency, maxWaiting, deadlineMs } = this.options;
    if (this.waiting.length >= maxWaiting) this.shed();
    const deadline = new Deadline(deadlineMs);
    try {
      if (this.running < concurrency) this.running++;
      else await new Promise<void>((start) => this.waiting.push(start));
      if (deadline.left < deadlineMs / 2) this.shed();
      return await work(deadline);
    } finally {
      deadline.end();
      const startNext = this.waiting.shift();
      // The next one takes over this place.
      if (startNext) startNext();
      else this.running--;
    }
  }

  /** Logs at most every 10 s: under such a load, a line for each request would be a load of its own. */
  private shed(): never {
    this.shedCount++;
    if (performance.now() - this.reportedAt > REPORT_MS) {
      this.logger.warn(
        `Too many requests for the store: ${this.shedCount} were shed`,
      );
      this.shedCount = 0;
      this.reportedAt = performance.now();
    }
    throw new StoreUnavailableError('store_overloaded');
  }
}
