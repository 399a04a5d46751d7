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

/**
 * Runs a unit of work on a connection.
 *
 * @param opening is sent together with the first statements
 */
export async function drive<T>(
  connection: PoolConnection,
  deadline: Deadline,
  work: UnitOfWork<T>,
  opening?: Statement,
): Promise<T> {
  let before = opening ? [opening] : [];
  let step = work.next();
  while (!step.done) {
    const sent = send(connection, [...before, ...step.value]);
    before = [];
    let result: StatementResult;
    try {
      result = await deadline.race(sent);
    } catch (error) {
      step = work.throw(error);
      continue;
    }
    step = work.next(result);
  }
  return step.value;
}

/**
 * Sends statements past TypeORM's query runner, as text: a prepared one was not
 * faster, and would take one of the 16,382 that a server remembers. Times are
 * UTC, whatever the data source says. Several statements take one round trip,
 * if the connection allows it; the first that fails ends them.
 *
 * @returns the result of the last one
 */
export async function send(
  connection: PoolConnection,
  statements: Statement[],
): Promise<StatementResult> {
  const { timezone, multipleStatements } = connection.config;
  if (statements.length > 1 && !multipleStatements) {
    await send(connection, statements.slice(0, -1));
    return send(connection, statements.slice(-1));
  }
  const parts = statements.map((statement) =>
    statement.getQueryAndParameters(),
  );
  const sql = parts.map(([text]) => text).join('; ');
  const values = parts.flatMap(([, parameters]) => parameters.map(toMysql));
  // With options mysql2 takes x 1.10 of the processor time for a statement
  // (`npx tsx test/bench/statements.ts`).
  const options = (
    timezone === 'Z' ? sql : { sql, timezone: 'Z' }
  ) as QueryOptions;
  return new Promise((resolve, reject) => {
    connection.query<RowDataPacket[] | ResultSetHeader>(
      options,
      values,
      (error, results) => {
        if (error) return reject(new QueryFailedError(sql, values, error));
        const result =
          statements.length > 1
            ? (results as (typeof results)[]).at(-1)!
            : results;
        if (Array.isArray(result)) resolve({ rows: result, affected: 0 });
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
