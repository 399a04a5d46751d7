/** One SQL statement. TypeORM's query builders are statements, too. */
export interface Statement {
  getQueryAndParameters(): [string, unknown[]];
}

export interface StatementResult {
  /** Rows of a SELECT, by column name. */
  rows: Record<string, unknown>[];
  /** Number of rows that a write matched, including rows that it left as they were. */
  affected: number;
}

export function statement(sql: string, parameters: unknown[] = []): Statement {
  return { getQueryAndParameters: () => [sql, parameters] };
}

/**
 * Work on the store, written once for every engine: it yields statements and is
 * resumed with their results. A generator cannot await anything else, so SQLite
 * can run it without a gap in which another request's statements would slip into
 * its transaction.
 */
export type UnitOfWork<T> = Generator<Statement, T, StatementResult>;

/** Runs an INSERT, UPDATE or DELETE. Returns the number of rows that it matched. */
export function* execute(write: Statement): UnitOfWork<number> {
  return (yield write).affected;
}
