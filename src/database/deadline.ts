import { StoreUnavailableError } from './errors.js';

/** The moment by which a request to the store has to be answered; to be ended when it is. */
export class Deadline {
  private readonly at: number;
  private readonly late: Promise<never>;
  private timer: NodeJS.Timeout | undefined;

  /** @param milliseconds from now */
  constructor(milliseconds: number) {
    this.at = performance.now() + milliseconds;
    this.late = new Promise((_, reject) => {
      this.timer = setTimeout(
        () => reject(new StoreUnavailableError('late')),
        milliseconds,
      ).unref();
    });
    this.late.catch(() => undefined);
  }

  /** Milliseconds until then; negative afterwards. */
  get left(): number {
    return this.at - performance.now();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  /**
   * Starts what must settle in time. Rejects with `late` where it does not, or
   * would not be started in time; what was started then goes on by itself, and
   * whoever started it sees to its end.
   */
  async race<T>(start: () => Promise<T>): Promise<T> {
    if (this.left <= 0) throw new StoreUnavailableError('late');
    const started = start();
    started.catch(() => undefined);
    return Promise.race([started, this.late]);
  }
}
