import type {
  PoolConnection,
  QueryOptions,
  ResultSetHeader,
  RowDataPacket,
} from 'mysql2';
import { QueryFailedError } from 'typeorm';
import type { Deadline } from '../deadline.js';
import { timeText } from '../time-text.js';
import type {
  Statement,
  StatementResult,
  UnitOfWork,
} from '../unit-of-work.js';

/** Runs a unit of work on a connection, one statement after the other. */
export async function drive<T>(
  connection: PoolConnection,
  deadline: Deadline,
  work: UnitOfWork<T>,
): Promise<T> {
  let step = work.next();
  while (!step.done) {
    let result: StatementResult;
    try {
      result = await deadline.race(send(connection, step.value));
    } catch (error) {
      step = work.throw(error);
      continue;
    }
    step = work.next(result);
  }
  return step.value;
}

/**
 * Sends one statement past TypeORM's query runner, as text: a prepared one was
 * not faster, and would take one of the 16,382 that a server remembers. Times
 * are UTC, whatever the data source says.
 */
export function send(
  connection: PoolConnection,
  statement: Statement,
): Promise<StatementResult> {
  const [sql, parameters] = statement.getQueryAndParameters();
  const values = parameters.map(toMysql);
  // Without options mysql2 takes 35 µs of processor time for a statement, with
  // them 57 µs (`npx tsx test/bench/statements.ts`).
  const isUtc = connection.config.timezone === 'Z';
  const options = (isUtc ? sql : { sql, timezone: 'Z' }) as QueryOptions;
  return new Promise((resolve, reject) => {
    connection.query<RowDataPacket[] | ResultSetHeader>(
      options,
      values,
      (error, result) => {
        if (error) reject(new QueryFailedError(sql, values, error));
        else if (Array.isArray(result)) resolve({ rows: result, affected: 0 });
        else resolve({ rows: [], affected: result.affectedRows });
      },
    );
  });
}

function toMysql(value: unknown): unknown {
  if (value instanceof Date) return timeText(value);
  // mysql2 would write an object or a list as more than one value.
  if (typeof value === 'object' && value !== null) {
    throw new TypeError('A value of a statement must not be an object');
  }
  return value;
}
