import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type {
  Database as Connection,
  Statement as SqliteStatement,
} from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import type { DataSource, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { timeText } from '../time-text.js';
import { Database, type Work } from '../database.js';
import { Deadline } from '../deadline.js';
import { StoreQueue } from '../store-queue.js';
import { withRetries } from '../retry.js';
import type {
  Statement,
  StatementResult,
  UnitOfWork,
} from '../unit-of-work.js';

type PreparedStatement = SqliteStatement<
  unknown[],
  StatementResult['rows'][number]
>;

const MOST_PREPARED = 200;
const MOST_WAITING = 1_000;

/**
 * SQLite: TypeORM has one connection and one query runner for everybody, so
 * transactions of concurrent requests would mix, and a rollback of one would
 * take acknowledged rows of another with it. Here a unit of work runs
 * synchronously on the driver's own connection: nothing can come between.
 */
export class SqliteDatabase extends Database {
  readonly isEmbedded = true;
  private readonly writes: StoreQueue;
  private readonly dataVersion: SqliteStatement;
  private readonly connection: Connection;
  private readonly prepared = new LRUCache<string, PreparedStatement>({
    max: MOST_PREPARED,
  });

  /** @param deadlineMs milliseconds for a unit of work, and for the lock of another process that is in its way */
  constructor(
    dataSource: DataSource,
    private readonly deadlineMs: number,
  ) {
    super();
    this.writes = new StoreQueue({
      concurrency: 1,
      maxWaiting: MOST_WAITING,
      deadlineMs,
    });
    const { driver } = dataSource;
    this.connection = (
      driver as typeof driver & { databaseConnection: Connection }
    ).databaseConnection;
    this.dataVersion = this.connection.prepare('PRAGMA data_version').pluck();
  }

  read<T>(work: Work<T>): Promise<T> {
    const deadline = new Deadline(this.deadlineMs);
    return withRetries(deadline, async () =>
      this.connection.transaction(() => this.drive(work())).deferred(),
    ).finally(() => deadline.end());
  }

  write<T>(work: Work<T>): Promise<T> {
    return this.writes.run((deadline) =>
      withRetries(deadline, async () => {
        // A write holds up the whole process: what arrived meanwhile comes first, so that too much of it is seen to be.
        await turnOfTheLoop();
        return this.connection
          .transaction(() => this.drive(work()))
          .immediate();
      }),
    );
  }

  override othersWrites(): number {
    return this.dataVersion.get() as number;
  }

  async check(): Promise<void> {
    this.connection.prepare('SELECT 1').get();
  }

  /** One writer at a time is all that SQLite has. */
  forUpdate<Entity extends ObjectLiteral>(query: SelectQueryBuilder<Entity>) {
    return query;
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
    const [sql, values] = statement.getQueryAndParameters();
    const parameters = values.map(toSqlite);
    const prepared = this.prepare(sql);
    if (!prepared.reader) {
      const { changes } = prepared.run(...parameters);
      return { rows: [], affected: changes };
    }
    return { rows: prepared.all(...parameters), affected: 0 };
  }

  private prepare(sql: string): PreparedStatement {
    const known = this.prepared.get(sql);
    if (known) return known;
    const prepared: PreparedStatement = this.connection.prepare(sql);
    this.prepared.set(sql, prepared);
    return prepared;
  }
}

/** As TypeORM writes it; SQLite itself knows neither times nor truth. */
function toSqlite(value: unknown): unknown {
  if (value instanceof Date) return timeText(value);
  return typeof value === 'boolean' ? Number(value) : value;
}
