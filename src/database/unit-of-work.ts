/** One SQL statement: TypeORM's query builders are such, mapping and dialect included. */
export interface Statement {
  getQueryAndParameters(): [string, unknown[]];
  /** Whether its text comes again and again: the server is to remember it. */
  isPrepared?: boolean;
}

export interface StatementResult {
  /** What a SELECT gives, by name. */
  rows: Record<string, unknown>[];
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
