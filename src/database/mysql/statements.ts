import type {
  ExecuteValues,
  PoolConnection,
  QueryError,
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
import { MOST_PREPARED } from './node.js';

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
 * Sends one statement past TypeORM's query runner. Times are UTC, whatever the
 * data source says.
 */
export function send(
  connection: PoolConnection,
  statement: Statement,
): Promise<StatementResult> {
  const [sql, parameters] = statement.getQueryAndParameters();
  const values = parameters.map(toMysql);
  // mysql2 takes longer to read options than to write a statement.
  const isUtc = connection.config.timezone === 'Z';
  const options = (isUtc ? sql : { sql, timezone: 'Z' }) as QueryOptions;
  return new Promise((resolve, reject) => {
    const done = (
      error: QueryError | null,
      result: RowDataPacket[] | ResultSetHeader,
    ) => {
      if (error) reject(new QueryFailedError(sql, values, error));
      else if (Array.isArray(result)) resolve({ rows: result, affected: 0 });
      else resolve({ rows: [], affected: result.affectedRows });
    };
    if (statement.isPrepared && keepsFew(connection)) {
      connection.execute(options, values as ExecuteValues[], done);
    } else {
      connection.query(options, values, done);
    }
  });
}

function toMysql(value: unknown): unknown {
  return value instanceof Date ? timeText(value) : value;
}

/** mysql2 keeps 16,000 prepared statements on a connection unless told otherwise: all that the server has room for. */
function keepsFew({ config }: PoolConnection): boolean {
  return config.maxPreparedStatements! <= MOST_PREPARED;
}

/** A statement without values. */
export function command(sql: string): Statement {
  return { getQueryAndParameters: () => [sql, []] };
}
