/** One SQL statement: TypeORM's query builders are such, mapping and dialect included. */
export interface Statement {
  getQueryAndParameters(): [string, unknown[]];
  /** Whether its text comes again and again: the server is to remember it. */
  isPrepared?: boolean;
  /** Whether it is one that only writes, or controls the transaction. */
  givesNoRows?: boolean;
}

export interface StatementResult {
  /** Names of what a SELECT gives, in the order of a row's values. */
  columns: string[];
  rows: unknown[][];
  /** Rows that a write matched, also those that it did not change. */
  affected: number;
}

/**
 * A piece of work on the store, written once for every engine: it yields
 * statements and is resumed with their results. Being a generator, it awaits
 * nothing but the store, so SQLite can run it without a gap in which another
 * request's statements would slip into its transaction.
 */
export type UnitOfWork<T> = Generator<Statement, T, StatementResult>;

/** Runs an INSERT, UPDATE or DELETE and tells how many rows it matched. */
export function* execute(statement: Statement): UnitOfWork<number> {
  return (yield statement).affected;
}
