import { AsyncResource } from 'node:async_hooks';
import type {
  ExecuteValues,
  PoolConnection,
  QueryError,
  QueryOptions,
  ResultSetHeader,
  RowDataPacket,
} from 'mysql2';
import { QueryFailedError } from 'typeorm';
import { timeText } from '../time-text.js';
import type { Deadline } from '../deadline.js';
import { MOST_PREPARED } from './node.js';
import type {
  Statement,
  StatementResult,
  UnitOfWork,
} from '../unit-of-work.js';

/**
 * Runs a unit of work in time. Callbacks, not promises, lead from one statement
 * to the next: an append has five. They come in the context of whoever opened
 * the connection, and are taken back into the caller's, for which tracers look.
 */
export function drive<T>(
  connection: PoolConnection,
  deadline: Deadline,
  work: UnitOfWork<T>,
): Promise<T> {
  const caller = new AsyncResource('UnitOfWork');
  return new Promise((resolve, reject) => {
    const proceed = (resume: () => IteratorResult<Statement, T>) => {
      let step: IteratorResult<Statement, T>;
      try {
        step = resume();
      } catch (error) {
        return reject(error);
      }
      if (step.done) return resolve(step.value);
      const statement = step.value;
      deadline.within<StatementResult>(
        (onResult, onError) => run(connection, statement, onResult, onError),
        (result) =>
          caller.runInAsyncScope(proceed, undefined, () => work.next(result)),
        (error) =>
          caller.runInAsyncScope(proceed, undefined, () => work.throw(error)),
      );
    };
    proceed(() => work.next());
  });
}

/** Runs one statement in time. */
export function send(
  connection: PoolConnection,
  statement: Statement,
  deadline: Deadline,
): Promise<StatementResult> {
  return deadline.promise((resolve, reject) =>
    run(connection, statement, resolve, reject),
  );
}

/**
 * On the driver's connection, without the query runner of TypeORM. Times are
 * UTC, whatever the data source says.
 */
function run(
  connection: PoolConnection,
  statement: Statement,
  resolve: (result: StatementResult) => void,
  reject: (error: unknown) => void,
): void {
  const [sql, parameters] = statement.getQueryAndParameters();
  const values = parameters.map(toMysql);
  const done = (
    error: QueryError | null,
    result: RowDataPacket[] | ResultSetHeader,
  ) => {
    if (error) {
      reject(new QueryFailedError(sql, values, error));
    } else if (Array.isArray(result)) {
      resolve({ rows: result, affected: 0 });
    } else {
      resolve({ rows: [], affected: result.affectedRows });
    }
  };
  // mysql2 takes longer to read options than to write a statement.
  const isUtc = connection.config.timezone === 'Z';
  const options = (isUtc ? sql : { sql, timezone: 'Z' }) as QueryOptions;
  if (statement.isPrepared && keepsFew(connection)) {
    connection.execute(options, values as ExecuteValues[], done);
  } else {
    connection.query(options, values, done);
  }
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
