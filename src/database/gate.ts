import { Logger } from '@nestjs/common';
import pLimit, { type LimitFunction } from 'p-limit';
import { Deadline } from './deadline.js';
import { StoreUnavailableError } from './errors.js';

const REPORT_MS = 10_000;

/** Lets so much work to the store at once, keeps a bounded queue, and sheds what comes on top or waited too long. */
export class Gate {
  private readonly limit: LimitFunction;
  private readonly logger = new Logger(Gate.name);
  private shedCount = 0;
  private reportedAt = -Infinity;

  /**
   * @param width how much work at once
   * @param mostWaiting how much may wait
   * @param deadlineMs milliseconds for each, waiting included
   */
  constructor(
    width: number,
    private readonly mostWaiting: number,
    private readonly deadlineMs: number,
  ) {
    this.limit = pLimit(width);
  }

  /**
   * Those who wait take turns in the order of their deadlines. Whoever has used
   * up half of the time by then is shed rather than begun: work that ends too
   * late takes the place of work that would not. Throws StoreUnavailableError.
   */
  async pass<T>(work: (deadline: Deadline) => Promise<T>): Promise<T> {
    if (this.limit.pendingCount >= this.mostWaiting) this.shed();
    const deadline = new Deadline(this.deadlineMs);
    try {
      return await this.limit(() => {
        if (deadline.left < this.deadlineMs / 2) this.shed();
        return work(deadline);
      });
    } finally {
      deadline.end();
    }
  }

  /** Says so now and then: under such a load a line each would be a load of its own. */
  private shed(): never {
    this.shedCount++;
    if (performance.now() - this.reportedAt > REPORT_MS) {
      this.logger.warn(
        `Too many requests for the store: ${this.shedCount} were shed`,
      );
      this.shedCount = 0;
      this.reportedAt = performance.now();
    }
    throw new StoreUnavailableError('shed');
  }
}
