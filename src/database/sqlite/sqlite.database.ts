import type {
  Database as Connection,
  Statement as SqliteStatement,
} from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { setImmediate } from 'node:timers/promises';
import type { DataSource, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Database, type Work } from '../database.js';
import { Deadline } from '../deadline.js';
import {
  isDamage,
  isUnusable,
  type StoreUnavailableCode,
  StoreUnavailableError,
} from '../errors.js';
import { withRetries } from '../retry.js';
import { StoreQueue } from '../store-queue.js';
import { timeText } from '../time-text.js';
import {
  type Statement,
  type StatementResult,
  uncommitted,
  type UnitOfWork,
} from '../unit-of-work.js';
import { FileHealth } from './file-health.js';
import { Place } from './place.js';
import { quickCheck } from './quick-check.js';

type PreparedStatement = SqliteStatement<
  unknown[],
  StatementResult['rows'][number]
>;

/** Statements that stay compiled. */
const MAX_PREPARED = 200;
/** Writes that may wait; more are shed. */
const MAX_WAITING = 1_000;

/**
 * SQLite. TypeORM has one connection and one query runner for everybody, so
 * transactions of concurrent requests would mix, and a rollback of one would
 * undo acknowledged rows of another. A unit of work runs synchronously on the
 * driver's own connection instead: nothing can come between.
 */
export class SqliteDatabase extends Database {
  readonly isEmbedded = true;
  private readonly writes: StoreQueue;
  private readonly dataVersion: SqliteStatement;
  private readonly connection: Connection;
  private readonly health: FileHealth;
  private readonly place: Place;
  private readonly prepared = new LRUCache<string, PreparedStatement>({
    max: MAX_PREPARED,
  });

  /** @param deadlineMs milliseconds for a unit of work, waiting for the lock of another process included */
  constructor(
    dataSource: DataSource,
    private readonly deadlineMs: number,
  ) {
    super();
    this.writes = new StoreQueue({
      concurrency: 1,
      maxWaiting: MAX_WAITING,
      deadlineMs,
    });
    const { driver } = dataSource;
    this.connection = (
      driver as typeof driver & { databaseConnection: Connection }
    ).databaseConnection;
    this.health = new FileHealth(this.connection.name);
    this.place = new Place(this.connection);
    this.dataVersion = this.connection.prepare('PRAGMA data_version').pluck();
  }

  /**
   * Damage does not fail the start: the pages that are intact can be read. Nor
   * does a check that cannot run, as with a function in an application's schema.
   */
  async checkPages(): Promise<void> {
    const found = await this.read(quickCheck).catch(() => undefined);
    if (found) this.health.failed(new Error(found), { isDamage: true });
  }

  read<T>(work: Work<T>): Promise<T> {
    const deadline = new Deadline(this.deadlineMs);
    return withRetries(deadline, async () =>
      this.watch(() =>
        this.connection.transaction(() => this.drive(work())).deferred(),
      ),
    ).finally(() => deadline.end());
  }

  write<T>(work: Work<T>): Promise<T> {
    return this.writes.run('write', (deadline) =>
      withRetries(deadline, async () => {
        // A write blocks the process. Requests that arrived meanwhile must join
        // the queue first, or nothing would be shed under load.
        await setImmediate();
        return this.commit(() => this.drive(uncommitted(work())));
      }),
    );
  }

  override othersWrites(): number {
    return this.dataVersion.get() as number;
  }

  /** After a failure it tries a write: while the service is not ready, it may get none. */
  async check(): Promise<void> {
    if (!this.place.isKept()) throw this.lost('store_unusable');
    this.connection.prepare('SELECT 1').get();
    if (this.health.problem) this.commit(() => this.tryToWrite());
  }

  private commit<T>(run: () => T): T {
    if (this.health.isDamaged) {
      throw new StoreUnavailableError('store_unusable', this.health.problem);
    }
    const result = this.watch(() =>
      this.connection
        .transaction(() => {
          // better-sqlite3 commits, once the file was found in its place.
          const result = run();
          if (!this.place.isKept()) throw this.lost('store_unusable');
          return result;
        })
        .immediate(),
    );
    if (!this.place.isKept()) throw this.lost('outcome_unknown');
    this.health.worked();
    return result;
  }

  /** Remembers an error that says that the file cannot be used. */
  private watch<T>(transaction: () => T): T {
    try {
      return transaction();
    } catch (error) {
      // A file that was moved may give an error that says less.
      if (isUnusable(error) && this.place.isKept()) {
        this.health.failed(error as Error, { isDamage: isDamage(error) });
      } else if (isUnusable(error)) this.health.failed(this.place.problem);
      throw error;
    }
  }

  private lost(code: StoreUnavailableCode): StoreUnavailableError {
    this.health.failed(this.place.problem);
    return new StoreUnavailableError(code, this.place.problem);
  }

  /** Takes the space of a large message, and gives it back. */
  private tryToWrite(): void {
    this.connection.exec(
      'CREATE TABLE chat_probe (x); INSERT INTO chat_probe VALUES (zeroblob(1048576)); DROP TABLE chat_probe',
    );
  }

  /** SQLite has no clock of its own. */
  // oxlint-disable-next-line require-yield
  *now(): UnitOfWork<Date> {
    return new Date();
  }

  /** Locks nothing: SQLite has one writer at a time. */
  forUpdate<Entity extends ObjectLiteral>(query: SelectQueryBuilder<Entity>) {
    return query;
  }

  private drive<T>(work: UnitOfWork<T>): T {
    let step = work.next();
    while (!step.done) {
      let result: StatementResult;
      try {
        result = this.runAll(step.value);
      } catch (error) {
        step = work.throw(error);
        continue;
      }
      step = work.next(result);
    }
    return step.value;
  }

  private runAll(statements: Statement[]): StatementResult {
    return statements.map((one) => this.run(one)).at(-1)!;
  }

  private run(statement: Statement): StatementResult {
    const [sql, parameters] = statement.getQueryAndParameters();
    const values = parameters.map(toSqlite);
    const prepared = this.prepare(sql);
    if (!prepared.reader) {
      const { changes } = prepared.run(...values);
      return { rows: [], affected: changes };
    }
    return { rows: prepared.all(...values), affected: 0 };
  }

  private prepare(sql: string): PreparedStatement {
    const known = this.prepared.get(sql);
    if (known) return known;
    const prepared: PreparedStatement = this.connection.prepare(sql);
    this.prepared.set(sql, prepared);
    return prepared;
  }
}

/** Writes values as TypeORM does; SQLite has neither times nor booleans. */
function toSqlite(value: unknown): unknown {
  if (value instanceof Date) return timeText(value);
  return typeof value === 'boolean' ? Number(value) : value;
}
