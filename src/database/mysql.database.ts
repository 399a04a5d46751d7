import { Logger } from '@nestjs/common';
import type { PoolConnection } from 'mysql2';
import pLimit, { type LimitFunction } from 'p-limit';
import type {
  DataSource,
  DataSourceOptions,
  ObjectLiteral,
  QueryRunner,
  SelectQueryBuilder,
} from 'typeorm';
import { Database, type Work } from './database.js';
import { Deadline } from './deadline.js';
import {
  isConnectionLost,
  isContention,
  isNotPrepared,
  StoreUnavailableError,
} from './errors.js';
import { type MysqlDriver, socketOf } from './mysql-connection.js';
import type { MysqlHosts } from './mysql-hosts.js';
import { withRetries } from './retry.js';
import type { Statement, StatementResult, UnitOfWork } from './unit-of-work.js';

/** Requests that may wait for a connection, for each there is: what comes on top is shed. */
const WAITING_PER_CONNECTION = 16;
const SHED_REPORT_MS = 10_000;
/** Of mysql2. */
const DEFAULT_POOL_SIZE = 10;

type MysqlDataSourceOptions = Extract<
  DataSourceOptions,
  { type: 'mysql' | 'mariadb' }
>;

/**
 * MySQL and MariaDB. Every unit of work has a connection of its own under one
 * deadline: neither mysql2 nor TypeORM would ever give up on a server that does
 * not answer. A connection that failed or was late is destroyed, never rolled
 * back and never given to the next: a ROLLBACK would queue behind the statement
 * that hangs.
 */
export class MysqlDatabase extends Database {
  readonly isEmbedded = false;
  private readonly hosts: MysqlHosts | undefined;
  private readonly limit: LimitFunction;
  private readonly logger = new Logger(MysqlDatabase.name);
  private shedCount = 0;
  private shedReportedAt = -Infinity;

  /** @param deadlineMs milliseconds for a unit of work with all of its tries */
  constructor(
    private readonly dataSource: DataSource,
    private readonly deadlineMs: number,
  ) {
    super();
    const { driver, poolSize = DEFAULT_POOL_SIZE } =
      dataSource.options as MysqlDataSourceOptions;
    this.hosts = (driver as Partial<MysqlDriver> | undefined)?.hosts;
    // One is kept for `check`, which tells whether requests had better stay away.
    this.limit = pLimit(Math.max(poolSize - 1, 1));
  }

  read<This, T>(self: This, work: Work<This, T>): Promise<T> {
    return this.inTime((deadline) =>
      this.onConnection(deadline, (runner) =>
        drive(deadline, runner, work.call(self)),
      ),
    );
  }

  write<This, T>(self: This, work: Work<This, T>): Promise<T> {
    return this.inTime((deadline) =>
      this.onConnection(deadline, async (runner) => {
        await deadline.race(() => runner.startTransaction());
        const result = await drive(deadline, runner, work.call(self));
        await commit(deadline, runner);
        return result;
      }),
    );
  }

  async check(milliseconds: number): Promise<void> {
    const deadline = new Deadline(milliseconds);
    await this.onConnection(deadline, async (runner) => {
      const ask = (sql: string): Promise<{ Value: string }[]> =>
        deadline.race(() => runner.query(sql));
      const [galera] = await ask("SHOW VARIABLES LIKE 'wsrep_on'");
      if (galera?.Value !== 'ON') return;
      // A node outside of its cluster's majority still answers SELECT 1.
      const [ready] = await ask("SHOW STATUS LIKE 'wsrep_ready'");
      if (ready?.Value !== 'ON') throw new Error('The node has no cluster');
    });
  }

  forUpdate<Entity extends ObjectLiteral>(query: SelectQueryBuilder<Entity>) {
    return query.setLock('pessimistic_write');
  }

  /**
   * Those who wait take turns in the order of their deadlines. Whoever has used
   * up half of the time by then is shed rather than begun: work that ends too
   * late takes a connection from work that would not.
   */
  private async inTime<T>(
    attempt: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    const { pendingCount, concurrency } = this.limit;
    if (pendingCount >= concurrency * WAITING_PER_CONNECTION) this.shed();
    const deadline = new Deadline(this.deadlineMs);
    return this.limit(() => {
      if (deadline.left < this.deadlineMs / 2) this.shed();
      return withRetries(deadline, () => attempt(deadline));
    });
  }

  /** Says so now and then: under such a load a line each would be a load of its own. */
  private shed(): never {
    this.shedCount++;
    if (performance.now() - this.shedReportedAt > SHED_REPORT_MS) {
      this.logger.warn(
        `Too many requests for the store: ${this.shedCount} were shed`,
      );
      this.shedCount = 0;
      this.shedReportedAt = performance.now();
    }
    throw new StoreUnavailableError('shed');
  }

  private async onConnection<T>(
    deadline: Deadline,
    use: (runner: QueryRunner) => Promise<T>,
  ): Promise<T> {
    const runner = await this.connect(deadline);
    try {
      const result = await use(runner);
      await runner.release();
      return result;
    } catch (error) {
      await this.giveBack(deadline, runner, error);
      throw error;
    }
  }

  /** A connection to the server in force: what is left in the pool of an earlier one is destroyed. */
  private async connect(deadline: Deadline): Promise<QueryRunner> {
    for (;;) {
      const runner = this.dataSource.createQueryRunner();
      const connecting = runner.connect() as Promise<PoolConnection>;
      let connection: PoolConnection;
      try {
        connection = await deadline.race(() => connecting);
      } catch (error) {
        // Where it comes after all, it is for others.
        connecting.then(() => runner.release()).catch(() => undefined);
        throw error;
      }
      const isStale = this.hosts?.isInForce(socketOf(connection)) === false;
      if (!isStale) return runner;
      connection.destroy();
      await runner.release();
    }
  }

  /** To the pool where it is known to be fit and without a transaction, otherwise to nobody. */
  private async giveBack(
    deadline: Deadline,
    runner: QueryRunner,
    error: unknown,
  ): Promise<void> {
    const connection = (await runner.connect()) as PoolConnection;
    const socket = socketOf(connection);
    try {
      if (isSuspect(error)) throw error;
      if (runner.isTransactionActive) {
        await deadline.race(() => runner.rollbackTransaction());
      }
    } catch {
      connection.destroy();
      this.hosts?.leave(socket);
    }
    await runner.release();
  }
}

/** Whether an error leaves it open what state the connection is in, or the server. */
function isSuspect(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError ||
    isConnectionLost(error) ||
    isNotPrepared(error)
  );
}

async function drive<T>(
  deadline: Deadline,
  runner: QueryRunner,
  work: UnitOfWork<T>,
): Promise<T> {
  let step = work.next();
  while (!step.done) {
    const statement = step.value;
    let result: StatementResult;
    try {
      result = await deadline.race(() => run(runner, statement));
    } catch (error) {
      step = work.throw(error);
      continue;
    }
    step = work.next(result);
  }
  return step.value;
}

async function run(
  runner: QueryRunner,
  statement: Statement,
): Promise<StatementResult> {
  const { records, affected } = await runner.query(
    ...statement.getQueryAndParameters(),
    true,
  );
  return { rows: records, affected: affected ?? 0 };
}

/** Without an answer to COMMIT nobody knows whether it happened; only some answers say that it did not. */
async function commit(deadline: Deadline, runner: QueryRunner): Promise<void> {
  if (deadline.left <= 0) throw new StoreUnavailableError('late');
  try {
    await deadline.race(() => runner.commitTransaction());
  } catch (error) {
    if (isContention(error)) throw error;
    throw new StoreUnavailableError('outcome_unknown', error);
  }
}
