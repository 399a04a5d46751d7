import { Logger } from '@nestjs/common';
import { Deadline } from './deadline.js';
import { overloaded, WAITING_FOR_STORE } from './errors.js';

/** Pause between two log lines about requests that were shed (10 s). */
const REPORT_MS = 10_000;

export interface StoreQueueOptions {
  /** Units of work that run at once. */
  concurrency: number;
  /** Share of them that may be writes: by default all. */
  writeShare?: number;
  /** Reads, and writes, that may wait for their turn. */
  maxWaiting: number;
  /** Milliseconds for a unit of work, waiting included. */
  deadlineMs: number;
  /** The end of "Too many ..." if it sheds; by default about requests and the store. */
  waiting?: string;
}

interface Lane {
  /** Share of the places that it may take. */
  readonly share: number;
  running: number;
  /** Work that waits, oldest first. */
  readonly waiting: { number: number; start: () => void }[];
}

/**
 * Limits concurrent work on the store. Excess work waits in bounded queues. It
 * is shed if its queue is full, or if it has used up half of its deadline before
 * it starts: work that ends too late takes the place of work that would not.
 * Writes cannot take every place, so reads go on while a backup, an ALTER or a
 * full disk holds up all writes.
 */
export class StoreQueue {
  private readonly lanes: Record<'read' | 'write', Lane>;
  private readonly logger = new Logger(StoreQueue.name);
  private concurrency: number;
  private raising: NodeJS.Timeout | undefined;
  private arrivals = 0;
  private shedCount = 0;
  private reportedAt = -Infinity;

  constructor(private readonly options: StoreQueueOptions) {
    const { concurrency, writeShare = 1 } = options;
    this.concurrency = concurrency;
    this.lanes = {
      read: { share: 1, running: 0, waiting: [] },
      write: { share: writeShare, running: 0, waiting: [] },
    };
  }

  /** Runs less at once, for a time: the store has fewer connections than expected. */
  lowerTo(concurrency: number, milliseconds: number): void {
    if (concurrency >= this.concurrency) return;
    this.concurrency = concurrency;
    clearTimeout(this.raising);
    this.raising = setTimeout(() => {
      this.concurrency = this.options.concurrency;
      for (let n = 0; n < this.concurrency; n++) this.startNext();
    }, milliseconds).unref();
  }

  /** Runs work in the order of arrival, reads and writes apart. Throws StoreUnavailableError. */
  async run<T>(
    kind: 'read' | 'write',
    work: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    const { maxWaiting, deadlineMs } = this.options;
    const lane = this.lanes[kind];
    if (lane.waiting.length >= maxWaiting) this.shed();
    const deadline = new Deadline(deadlineMs);
    try {
      if (this.hasPlace(lane)) lane.running++;
      else await this.turn(lane);
      if (deadline.left < deadlineMs / 2) this.shed();
      return await work(deadline);
    } finally {
      deadline.end();
      lane.running--;
      this.startNext();
    }
  }

  /** Resolves with a place. */
  private turn(lane: Lane): Promise<void> {
    const number = this.arrivals++;
    return new Promise((start) => lane.waiting.push({ number, start }));
  }

  private hasPlace(lane: Lane): boolean {
    const { read, write } = this.lanes;
    const limit = placesOf(lane.share, this.concurrency);
    const running = read.running + write.running;
    return running < this.concurrency && lane.running < limit;
  }

  /** Gives the place that has become free to the work that has waited longest. */
  private startNext(): void {
    const [lane] = Object.values(this.lanes)
      .filter((one) => one.waiting.length > 0 && this.hasPlace(one))
      .sort((a, b) => a.waiting[0]!.number - b.waiting[0]!.number);
    if (!lane) return;
    lane.running++;
    lane.waiting.shift()!.start();
  }

  /** Logs at most every 10 s: under such a load, a line for each request would be a load of its own. */
  private shed(): never {
    const { waiting = WAITING_FOR_STORE } = this.options;
    this.shedCount++;
    if (performance.now() - this.reportedAt > REPORT_MS) {
      this.logger.warn(`Too many ${waiting}: ${this.shedCount} were shed`);
      this.shedCount = 0;
      this.reportedAt = performance.now();
    }
    throw overloaded(waiting);
  }
}

/** At least one place, and one less than all for a lane that may not take all. */
function placesOf(share: number, places: number): number {
  if (share === 1 || places === 1) return places;
  return Math.min(Math.ceil(share * places), places - 1);
}
