import { StoreUnavailableError } from './errors.js';

/** The moment by which a request to the store has to be answered. */
export class Deadline {
  private readonly at: number;

  /** @param milliseconds from now */
  constructor(milliseconds: number) {
    this.at = performance.now() + milliseconds;
  }

  /** Milliseconds until then; negative afterwards. */
  get left(): number {
    return this.at - performance.now();
  }

  /**
   * Starts what must settle in time. Rejects with `late` where it does not, or
   * would not be started in time; what was started then goes on by itself, and
   * whoever started it sees to its end.
   */
  async race<T>(start: () => Promise<T>): Promise<T> {
    const { left } = this;
    if (left <= 0) throw new StoreUnavailableError('late');
    const started = start();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StoreUnavailableError('late')), left);
    });
    try {
      return await Promise.race([started, late]);
    } finally {
      clearTimeout(timer);
      started.catch(() => undefined);
    }
  }
}
