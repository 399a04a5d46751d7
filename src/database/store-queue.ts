import { Logger } from '@nestjs/common';
import { Deadline } from './deadline.js';
import { StoreUnavailableError } from './errors.js';

const REPORT_MS = 10_000;

/** Of work that has begun, or waits for it. */
export interface Turn<Place> {
  readonly deadline: Deadline;
  /** Whether it can begin where other work has ended. */
  readonly inherits: boolean;
  /** Where other work has ended, for this to begin there. */
  place?: Place;
}

/** Lets so much work to the store at once, keeps a bounded queue, and sheds what comes on top or waited too long. */
export class Gate<Place = never> {
  private free: number;
  private readonly queue: (Turn<Place> & { begin: () => void })[] = [];
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
    this.free = width;
  }

  /**
   * Those who wait take turns in the order of their deadlines. Whoever has used
   * up half of the time by then is shed rather than begun: work that ends too
   * late takes the place of work that would not. Throws StoreUnavailableError.
   */
  async pass<T>(
    work: (turn: Turn<Place>) => Promise<T>,
    { inherits = false } = {},
  ): Promise<T> {
    if (this.queue.length >= this.mostWaiting) this.shed();
    const turn: Turn<Place> = {
      deadline: new Deadline(this.deadlineMs),
      inherits,
    };
    try {
      if (this.free > 0) this.free--;
      else {
        await new Promise<void>((begin) => {
          this.queue.push(Object.assign(turn, { begin }));
        });
      }
      if (!turn.place && this.isLate(turn)) this.shed();
      return await work(turn);
    } finally {
      turn.deadline.end();
      const next = this.queue.shift();
      if (next) next.begin();
      else this.free++;
    }
  }

  /** Whoever is next in line, where that one inherits and has no place yet. */
  get heir(): Turn<Place> | undefined {
    const [next] = this.queue;
    const isHeir = next?.inherits && !next.place && !this.isLate(next);
    return isHeir ? next : undefined;
  }

  private isLate({ deadline }: Turn<Place>): boolean {
    return deadline.left < this.deadlineMs / 2;
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
