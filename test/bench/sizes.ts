/** How much there is to measure on. */
export interface Sizes {
  /** Sessions that are read, of 20 messages. */
  read: number;
  /** Sessions that are appended to, of 20 messages. */
  append: number;
  /** Sessions of 20, and as many of 10,000 messages. */
  long: number;
  /** Owners with 1,000 sessions. */
  list: number;
  /** Sessions of the large database, and of the small one. */
  sessions: { small: number; large: number };
  /** Messages of the long session, and of the short one. */
  messages: { small: number; large: number };
  /** Starts of the service. */
  starts: number;
}

export const FULL: Sizes = {
  read: 200,
  append: 2_000,
  long: 32,
  list: 20,
  sessions: { small: 1_000, large: 1_000_000 },
  messages: { small: 100, large: 100_000 },
  starts: 11,
};

/** Enough to see that everything works. */
export const QUICK: Sizes = {
  read: 50,
  append: 400,
  long: 4,
  list: 4,
  sessions: { small: 1_000, large: 20_000 },
  messages: { small: 100, large: 10_000 },
  starts: 3,
};
