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
      const { giveUp } = this;
      this.giveUp = undefined;
      giveUp?.(new StoreUnavailableError('late'));
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
   * Starts what must settle in time and calls one of the two once, before
   * anything else may be started: `reject` with `late` where it does not settle,
   * or would not be started in time; what was started then goes on by itself,
   * and whoever started it sees to its end.
   */
  within<T>(
    start: (
      resolve: (value: T) => void,
      reject: (error: unknown) => void,
    ) => void,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): void {
    if (this.left <= 0) return reject(new StoreUnavailableError('late'));
    this.giveUp = reject;
    // Neither settled yet nor given up.
    const isOpen = () => {
      if (this.giveUp !== reject) return false;
      this.giveUp = undefined;
      return true;
    };
    try {
      start(
        (value) => isOpen() && resolve(value),
        (error) => isOpen() && reject(error),
      );
    } catch (error) {
      if (isOpen()) reject(error);
    }
  }

  /** As `within`, for one who waits. */
  promise<T>(
    start: (
      resolve: (value: T) => void,
      reject: (error: unknown) => void,
    ) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.within(start, resolve, reject);
    });
  }
}
