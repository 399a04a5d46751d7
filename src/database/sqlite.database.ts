import type { Database as Connection } from 'better-sqlite3';
import type { DataSource, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Database, type Work } from './database.js';
import { Deadline } from './deadline.js';
import { withRetries } from './retry.js';
import type { Statement, StatementResult, UnitOfWork } from './unit-of-work.js';

/**
 * SQLite: TypeORM has one connection and one query runner for everybody, so
 * transactions of concurrent requests would mix, and a rollback of one would
 * take acknowledged rows of another with it. Here a unit of work runs
 * synchronously on the driver's own connection: nothing can come between.
 */
export class SqliteDatabase extends Database {
  readonly isEmbedded = true;
  private readonly connection: Connection;

  /** @param deadlineMs milliseconds that another process's lock is waited for */
  constructor(
    dataSource: DataSource,
    private readonly deadlineMs: number,
  ) {
    super();
    const { driver } = dataSource;
    this.connection = (
      driver as typeof driver & { databaseConnection: Connection }
    ).databaseConnection;
  }

  read<This, T>(self: This, work: Work<This, T>): Promise<T> {
    return this.inTime(() =>
      this.connection.transaction(() => this.drive(work.call(self))).deferred(),
    );
  }

  write<This, T>(self: This, work: Work<This, T>): Promise<T> {
    return this.inTime(() =>
      this.connection
        .transaction(() => this.drive(work.call(self)))
        .immediate(),
    );
  }

  async check(): Promise<void> {
    this.connection.prepare('SELECT 1').get();
  }

  /** One writer at a time is all that SQLite has. */
  forUpdate<Entity extends ObjectLiteral>(query: SelectQueryBuilder<Entity>) {
    return query;
  }

  private inTime<T>(attempt: () => T): Promise<T> {
    return withRetries(new Deadline(this.deadlineMs), async () => attempt());
  }

  private drive<T>(work: UnitOfWork<T>): T {
    let step = work.next();
    while (!step.done) {
      let result: StatementResult;
      try {
        result = this.run(step.value);
      } catch (error) {
        step = work.throw(error);
        continue;
      }
      step = work.next(result);
    }
    return step.value;
  }

  private run(statement: Statement): StatementResult {
    const [sql, parameters] = statement.getQueryAndParameters();
    const prepared = this.connection.prepare<
      unknown[],
      Record<string, unknown>
    >(sql);
    if (prepared.reader) {
      return { rows: prepared.all(...parameters), affected: 0 };
    }
    return { rows: [], affected: prepared.run(...parameters).changes };
  }
}
