import type { PoolConnection, PoolOptions } from 'mysql2';
import {
  type DataSource,
  type DataSourceOptions,
  type ObjectLiteral,
  type SelectQueryBuilder,
} from 'typeorm';
import type { MysqlDriver as TypeormMysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import { Database, type Work } from '../database.js';
import { Deadline } from '../deadline.js';
import {
  isConnectionLost,
  isContention,
  isNotPrepared,
  StoreUnavailableError,
} from '../errors.js';
import { StoreQueue } from '../store-queue.js';
import type { MysqlHosts } from './hosts.js';
import { checkNode, type MysqlDriver, socketOf } from './node.js';
import { drive, send } from './statements.js';
import { withRetries } from '../retry.js';
import { type Statement, statement, type UnitOfWork } from '../unit-of-work.js';

/** Requests that may wait for a connection, for each connection there is; more are shed. */
const WAITING_PER_CONNECTION = 16;
/** The default of mysql2. */
const DEFAULT_POOL_SIZE = 10;

const START_TRANSACTION = statement('START TRANSACTION');
const COMMIT = statement('COMMIT');
const ROLLBACK = statement('ROLLBACK');

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
  private readonly queue: StoreQueue;
  private checking: Promise<void> | undefined;

  /** @param deadlineMs milliseconds for a unit of work with all of its tries */
  constructor(
    private readonly dataSource: DataSource,
    deadlineMs: number,
  ) {
    super();
    const { driver, poolSize, extra } =
      dataSource.options as MysqlDataSourceOptions;
    const { connectionLimit = poolSize ?? DEFAULT_POOL_SIZE } = (extra ??
      {}) as PoolOptions;
    this.hosts = (driver as Partial<MysqlDriver> | undefined)?.hosts;
    // One is kept for `check`, which tells whether requests had better stay away.
    const concurrency = Math.max(connectionLimit - 1, 1);
    const maxWaiting = concurrency * WAITING_PER_CONNECTION;
    this.queue = new StoreQueue({ concurrency, maxWaiting, deadlineMs });
  }

  read<T>(work: Work<T>): Promise<T> {
    return this.queue.run((deadline) =>
      withRetries(deadline, () =>
        this.onConnection(deadline, (connection) =>
          drive(connection, deadline, work()),
        ),
      ),
    );
  }

  write<T>(work: Work<T>): Promise<T> {
    return this.queue.run((deadline) =>
      withRetries(deadline, () =>
        this.onConnection(
          deadline,
          (connection) =>
            drive(connection, deadline, transaction(deadline, work())),
          ROLLBACK,
        ),
      ),
    );
  }

  /** One at a time: whoever asks meanwhile gets the same answer. */
  check(milliseconds: number): Promise<void> {
    this.checking ??= this.checkNow(milliseconds).finally(() => {
      this.checking = undefined;
    });
    return this.checking;
  }

  private async checkNow(milliseconds: number): Promise<void> {
    const deadline = new Deadline(milliseconds);
    try {
      await this.onConnection(deadline, (connection) =>
        checkNode(async (sql) => {
          const { rows } = await deadline.race(
            send(connection, statement(sql)),
          );
          return rows[0]?.Value as string | undefined;
        }),
      );
    } finally {
      deadline.end();
    }
  }

  forUpdate<Entity extends ObjectLiteral>(query: SelectQueryBuilder<Entity>) {
    return query.setLock('pessimistic_write');
  }

  /** @param undo is sent on the connection if `use` fails and leaves it usable */
  private async onConnection<T>(
    deadline: Deadline,
    use: (connection: PoolConnection) => Promise<T>,
    undo?: Statement,
  ): Promise<T> {
    const connection = await this.connect(deadline);
    try {
      const result = await use(connection);
      connection.release();
      return result;
    } catch (error) {
      try {
        if (isSuspect(error)) throw error;
        if (undo) await deadline.race(send(connection, undo));
        connection.release();
      } catch {
        connection.destroy();
        this.hosts?.suspect(socketOf(connection));
      }
      throw error;
    }
  }

  /** A connection to the current host. Those that are left in the pool from an earlier host are destroyed. */
  private async connect(deadline: Deadline): Promise<PoolConnection> {
    const driver = this.dataSource.driver as TypeormMysqlDriver;
    for (;;) {
      const connecting =
        driver.obtainMasterConnection() as Promise<PoolConnection>;
      let connection: PoolConnection;
      try {
        connection = await deadline.race(connecting);
      } catch (error) {
        // If it comes after all, others can use it.
        connecting.then((late) => late.release()).catch(() => undefined);
        throw error;
      }
      const isStale = this.hosts?.isInForce(socketOf(connection)) === false;
      if (!isStale) return connection;
      connection.destroy();
    }
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

/** Puts a unit of work between START TRANSACTION and COMMIT. */
function* transaction<T>(
  deadline: Deadline,
  work: UnitOfWork<T>,
): UnitOfWork<T> {
  yield START_TRANSACTION;
  const result = yield* work;
  if (deadline.left <= 0) throw new StoreUnavailableError('late');
  try {
    yield COMMIT;
  } catch (error) {
    // Without a reply nobody knows whether it happened; only contention says that it did not.
    if (isContention(error)) throw error;
    throw new StoreUnavailableError('outcome_unknown', error);
  }
  return result;
}
