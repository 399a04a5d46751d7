/**
 * Runs something several times in parallel. Unlike Promise.all, it waits for
 * all runs before it rejects, so that none goes on after the test.
 */
export async function inParallel<T>(
  count: number,
  run: (index: number) => Promise<T>,
): Promise<T[]> {
  const runs = Array.from({ length: count }, (_, index) => run(index));
  await Promise.allSettled(runs);
  return Promise.all(runs);
}
