/** The amounts of data. */
export interface Sizes {
  /** Sessions with 20 messages for reads. */
  read: number;
  /** Sessions with 20 messages for appends. */
  append: number;
  /** Sessions with 20 messages, and as many with 10,000. */
  long: number;
  /** Owners with 1,000 sessions. */
  list: number;
  /** Sessions of the small and of the large database. */
  sessions: { small: number; large: number };
  /** Messages of the short and of the long session. */
  messages: { small: number; large: number };
  /** Messages of the sessions that are forked. */
  forks: { long: number; veryLong: number };
  /** Runs at once, and finishes of an answer of 1 MiB in each round. */
  runs: { writers: number; finishes: number };
  /** Measured starts of the service. */
  starts: number;
}

export const FULL: Sizes = {
  read: 200,
  append: 2_000,
  long: 32,
  list: 20,
  sessions: { small: 1_000, large: 1_000_000 },
  messages: { small: 100, large: 100_000 },
  forks: { long: 10_000, veryLong: 100_000 },
  runs: { writers: 200, finishes: 4 },
  starts: 11,
};

/** Just enough to check that everything works. */
export const QUICK: Sizes = {
  read: 50,
  append: 400,
  long: 4,
  list: 4,
  sessions: { small: 1_000, large: 20_000 },
  messages: { small: 100, large: 10_000 },
  forks: { long: 2_500, veryLong: 5_000 },
  runs: { writers: 200, finishes: 1 },
  starts: 3,
};
