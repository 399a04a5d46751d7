import type {
  PoolConnection,
  QueryOptions,
  ResultSetHeader,
  RowDataPacket,
} from 'mysql2';
import { QueryFailedError } from 'typeorm';
import type { Deadline } from '../deadline.js';
import { WriteTooLargeError } from '../errors.js';
import { timeText } from '../time-text.js';
import type {
  Statement,
  StatementResult,
  UnitOfWork,
} from '../unit-of-work.js';

const ER_NET_PACKET_TOO_LARGE = 1153;
const SMALL_CHARACTERS = 64 * 1024;

/** The server refused a statement. Those before it were run, those after it were not. */
export class StatementFailedError extends QueryFailedError {
  constructor(
    readonly statement: Statement,
    error: Error,
  ) {
    super(...statement.getQueryAndParameters(), error);
  }
}

export interface DriveOptions {
  deadline: Deadline;
  /** Largest number of bytes that the server accepts at once. */
  maxBytes: number;
  /** Is sent together with the first statements. */
  opening?: Statement;
}

/** Runs a unit of work on a connection. */
export async function drive<T>(
  connection: PoolConnection,
  work: UnitOfWork<T>,
  { deadline, maxBytes, opening }: DriveOptions,
): Promise<T> {
  let before = opening ? [opening] : [];
  let step = work.next();
  while (!step.done) {
    let result: StatementResult;
    try {
      result = await deadline.race(
        send(connection, [...before, ...step.value], maxBytes),
      );
      before = [];
    } catch (error) {
      // The server has run the opening, and refused a statement after it.
      if (error instanceof StatementFailedError && error.statement !== opening)
        before = [];
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
 * @throws WriteTooLargeError if they are larger than `maxBytes`, or than what the server accepts
 */
export async function send(
  connection: PoolConnection,
  statements: Statement[],
  maxBytes = Infinity,
): Promise<StatementResult> {
  const { timezone, multipleStatements } = connection.config;
  if (statements.length > 1 && !multipleStatements) {
    await send(connection, statements.slice(0, -1), maxBytes);
    return send(connection, statements.slice(-1), maxBytes);
  }
  const parts = statements.map((statement) =>
    statement.getQueryAndParameters(),
  );
  const sql = parts.map(([text]) => text).join('; ');
  const values = parts.flatMap(([, parameters]) => parameters.map(toMysql));
  // If it were sent, the server would close the connection.
  if (
    mostBytes(sql, values) >= maxBytes &&
    Buffer.byteLength(connection.format(sql, values)) >= maxBytes
  ) {
    throw new WriteTooLargeError();
  }
  // With options mysql2 takes x 1.10 of the processor time for a statement
  // (`npx tsx test/bench/statements.ts`).
  const options = (
    timezone === 'Z' ? sql : { sql, timezone: 'Z' }
  ) as QueryOptions;
  return new Promise((resolve, reject) => {
    let done = 0;
    const query = connection.query<RowDataPacket[] | ResultSetHeader>(
      options,
      values,
      (error, results) => {
        if (error?.errno === ER_NET_PACKET_TOO_LARGE) {
          return reject(new WriteTooLargeError(true));
        }
        if (error) {
          // A SELECT may fail after its columns.
          const failed = statements[done] ?? statements.at(-1)!;
          return reject(new StatementFailedError(failed, error));
        }
        const result =
          statements.length > 1
            ? (results as (typeof results)[]).at(-1)!
            : results;
        if (Array.isArray(result)) resolve({ rows: result, affected: 0 });
        else resolve({ rows: [], affected: result.affectedRows });
      },
    );
    // mysql2 emits it once for each statement, whether it returns rows or not.
    if (statements.length > 1) query.on('fields', () => done++);
  });
}

/**
 * Whether COMMIT may go with these statements. A server that refuses a large
 * packet closes the connection, and its error may be lost: only if COMMIT was
 * not sent it is certain that nothing was written.
 */
export function isSmall(statements: Statement[]): boolean {
  const values = statements.flatMap((one) => one.getQueryAndParameters()[1]);
  return charactersOf(values) <= SMALL_CHARACTERS;
}

/** An upper bound without formatting: 3 bytes for each character, which may be escaped. */
function mostBytes(sql: string, values: unknown[]): number {
  return 6 * (2 * sql.length + charactersOf(values));
}

function charactersOf(values: unknown[]): number {
  return values.reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? value.length : 0),
    0,
  );
}

function toMysql(value: unknown): unknown {
  if (value instanceof Date) return timeText(value);
  // mysql2 would write an object or a list as more than one value.
  if (typeof value === 'object' && value !== null) {
    throw new TypeError('A value of a statement must not be an object');
  }
  return value;
}
