import { StoreUnavailableError } from './errors.js';

/** The moment by which the store must have served a request. Call `end` once it has. */
export class Deadline {
  private at: number;
  private readonly timer: NodeJS.Timeout;
  private readonly passed: Promise<never>;

  /** @param milliseconds from now */
  constructor(milliseconds: number) {
    this.at = performance.now() + milliseconds;
    let fail!: (late: StoreUnavailableError) => void;
    this.passed = new Promise((_, reject) => (fail = reject));
    // Nobody may be waiting when it passes.
    this.passed.catch(() => undefined);
    this.timer = setTimeout(() => {
      this.at = -Infinity; // Timers may fire a fraction of a millisecond early.
      fail(new StoreUnavailableError('store_timeout'));
    }, milliseconds).unref();
  }

  /** Milliseconds until the deadline; negative afterwards. */
  get left(): number {
    return this.at - performance.now();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  /**
   * Settles as `promise` does, or rejects with `store_timeout` at the deadline. What the
   * promise stands for then goes on: the caller cleans up after it.
   */
  race<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.passed]);
  }
}
