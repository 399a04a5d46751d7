import { StoreUnavailableError } from './errors.js';

/** The moment by which a request to the store has to be answered; to be ended when it is. */
export class Deadline {
  private at: number;
  private readonly timer: NodeJS.Timeout;
  private giveUp: ((late: StoreUnavailableError) => void) | undefined;

  /** @param milliseconds from now */
  constructor(milliseconds: number) {
    this.at = performance.now() + milliseconds;
    this.timer = setTimeout(() => {
      this.at = -Infinity; // Timers may be early by a fraction of a millisecond.
      this.giveUp?.(new StoreUnavailableError('late'));
    }, milliseconds).unref();
  }

  /** Milliseconds until then; negative afterwards. */
  get left(): number {
    return this.at - performance.now();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  /**
   * As `new Promise`, of what must settle in time; one at a time. Rejects with
   * `late` where it does not, or would not be started in time; what was started
   * then goes on by itself, and whoever started it sees to its end.
   */
  promise<T>(
    start: (
      resolve: (value: T) => void,
      reject: (error: unknown) => void,
    ) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.left <= 0) throw new StoreUnavailableError('late');
      this.giveUp = reject;
      start(resolve, reject);
    });
  }
}
