/** The median of several rounds, and their range. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

export function spreadOf(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** The ratios round by round, so that a slow round does not distort them. */
export function ratioOf(of: number[], per: number[]): Spread {
  return spreadOf(of.map((value, round) => value / per[round]!));
}

/** @param sorted ascending, at least one */
export function quantile(sorted: number[], part: number): number {
  return sorted[Math.ceil(part * sorted.length) - 1]!;
}

/** The values in random order. */
export function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
