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
 * Ends the transaction of a write, after its last statements and in their round
 * trip: an append whose COMMIT goes alone takes x 1.17 of the processor time
 * (`npx tsx test/bench/statements.ts`). A write that yields none is committed
 * when it has ended. It must yield nothing after it.
 */
export const COMMIT = statement('COMMIT');

/**
 * Work on the store, written once for every engine. It yields statements that go
 * together, and is resumed with the result of the last one, or with the error of
 * the first that failed; those after it are not run. On MySQL they share a round
 * trip: otherwise an append takes x 1.41 of the processor time (`npx tsx
 * test/bench/statements.ts`). A generator cannot await anything else, so SQLite
 * can run it without a gap in which another request's statements would slip into
 * its transaction.
 */
export type UnitOfWork<T> = Generator<Statement[], T, StatementResult>;

/** The same work, whose statements `run` sends in another way. */
export function* withSteps<T>(
  work: UnitOfWork<T>,
  run: (statements: Statement[]) => UnitOfWork<StatementResult>,
): UnitOfWork<T> {
  let step = work.next();
  while (!step.done) {
    let result: StatementResult;
    try {
      result = yield* run(step.value);
    } catch (error) {
      step = work.throw(error);
      continue;
    }
    step = work.next(result);
  }
  return step.value;
}

/** Work without its COMMIT, for a write that goes on after it. */
export function uncommitted<T>(work: UnitOfWork<T>): UnitOfWork<T> {
  return withSteps(work, withoutCommit);
}

/** Runs statements, but for COMMIT. */
export function* withoutCommit(
  statements: Statement[],
): UnitOfWork<StatementResult> {
  return yield statements.filter((one) => one !== COMMIT);
}

/** Runs INSERTs, UPDATEs or DELETEs. Returns the number of rows that the last one matched. */
export function* execute(...writes: Statement[]): UnitOfWork<number> {
  return (yield writes).affected;
}
