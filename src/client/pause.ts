const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

/**
 * Returns the milliseconds to wait before the next try: a random time up to a limit
 * that doubles with each attempt, so that requests that failed together do not come
 * back together.
 */
export function backoff(attempts: number): number {
  const limit = FIRST_PAUSE_MS * 2 ** (attempts - 1);
  return Math.random() * Math.min(limit, LONGEST_PAUSE_MS);
}

/** Waits. Rejects with the signal's reason when it is aborted. */
export async function sleep(
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await unlessAborted(over, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Settles like the promise, or rejects with the signal's reason if that is aborted first. */
export async function unlessAborted<T>(
  promise: T | Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (!signal) return promise;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
