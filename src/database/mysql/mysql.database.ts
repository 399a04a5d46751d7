import { Logger } from '@nestjs/common';
import type { PoolConnection, PoolOptions } from 'mysql2';
import type {
  DataSource,
  DataSourceOptions,
  ObjectLiteral,
  SelectQueryBuilder,
} from 'typeorm';
import type { MysqlDriver as TypeormMysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import { reasonOf } from '../../errors/describe-error.js';
import { Database, type Work } from '../database.js';
import { Deadline } from '../deadline.js';
import {
  isAccountLimit,
  isConnectionLost,
  isContention,
  isInterrupted,
  isServerNotReady,
  StoreUnavailableError,
  WriteTooLargeError,
} from '../errors.js';
import { withRetries } from '../retry.js';
import { StoreQueue } from '../store-queue.js';
import {
  COMMIT,
  type Statement,
  statement,
  type StatementResult,
  uncommitted,
  type UnitOfWork,
  withoutCommit,
  withSteps,
} from '../unit-of-work.js';
import type { MysqlHosts } from './hosts.js';
import { IdleConnections } from './idle-connections.js';
import { checkServer, type MysqlDriver, socketOf } from './node.js';
import { drive, isSmall, send, StatementFailedError } from './statements.js';

/** Reads, and writes, that may wait for each connection of the pool; more are shed. */
const MAX_WAITING_PER_CONNECTION = 16;
/** Share of the connections that writes may take. */
const SHARE_OF_WRITES = 0.75;
/** How long fewer connections are used after the server has refused one. */
const FEWER_CONNECTIONS_MS = 60_000;
/** The default of mysql2. */
const DEFAULT_POOL_SIZE = 10;

const START_TRANSACTION = statement('START TRANSACTION');
const ROLLBACK = statement('ROLLBACK');

type MysqlDataSourceOptions = Extract<
  DataSourceOptions,
  { type: 'mysql' | 'mariadb' }
>;

/**
 * MySQL and MariaDB. Every unit of work has a connection of its own and one
 * deadline, since neither mysql2 nor TypeORM gives up on a server that does not
 * reply. A connection that failed or was late is destroyed and not rolled back:
 * a ROLLBACK would queue behind the statement that hangs.
 */
export class MysqlDatabase extends Database {
  readonly isEmbedded = false;
  private readonly hosts: MysqlHosts | undefined;
  private readonly queue: StoreQueue;
  private checking: Promise<void> | undefined;
  /** The server's `max_allowed_packet`. */
  private maxBytes = Infinity;
  /** Connections in use. */
  private held = 0;
  private readonly idle = new IdleConnections();
  private readonly logger = new Logger(MysqlDatabase.name);
  private warnedAt = -Infinity;

  /** @param deadlineMs milliseconds for a unit of work with all of its attempts */
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
    // One connection is left for `check`, which tells whether to send requests elsewhere.
    const concurrency = Math.max(connectionLimit - 1, 1);
    this.queue = new StoreQueue({
      concurrency,
      writeShare: SHARE_OF_WRITES,
      maxWaiting: concurrency * MAX_WAITING_PER_CONNECTION,
      deadlineMs,
    });
  }

  /** Whether the pool is an application's, which sets up its connections. */
  get hasSharedPool(): boolean {
    return this.hosts === undefined;
  }

  read<T>(work: Work<T>): Promise<T> {
    return this.queue.run('read', (deadline) =>
      withRetries(deadline, () =>
        this.onConnection(deadline, (connection) =>
          drive(connection, work(), { deadline, maxBytes: this.maxBytes }),
        ),
      ),
    );
  }

  write<T>(work: Work<T>): Promise<T> {
    return this.queue.run('write', (deadline) =>
      withRetries(deadline, () =>
        this.onConnection(
          deadline,
          (connection) =>
            drive(connection, committed(deadline, workOn(connection, work)), {
              deadline,
              maxBytes: this.maxBytes,
              opening: START_TRANSACTION,
            }),
          ROLLBACK,
        ),
      ),
    );
  }

  /** Learns what the server accepts, and again once it refuses a statement for its size. */
  async learnLimits(): Promise<void> {
    this.maxBytes = await this.read(function* () {
      const { rows } = yield [
        statement('SELECT @@SESSION.max_allowed_packet AS bytes'),
      ];
      return Number(rows[0]!.bytes);
    });
  }

  /** Runs one check at a time. Whoever asks during a check gets its result. */
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
        checkServer(async (sql) => {
          const { rows } = await deadline.race(
            send(connection, [statement(sql)]),
          );
          return rows;
        }),
      );
    } finally {
      deadline.end();
    }
  }

  *now(): UnitOfWork<Date> {
    const { rows } = yield [
      statement(
        "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) AS microseconds",
      ),
    ];
    return new Date(Number(rows[0]!.microseconds) / 1000);
  }

  forUpdate<Entity extends ObjectLiteral>(query: SelectQueryBuilder<Entity>) {
    return query.setLock('pessimistic_write');
  }

  /** @param undo is sent if `use` fails and leaves the connection usable */
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
      // After a failover the server may accept less. If asking fails, requests do, too.
      if (isRefusedForSize(error)) this.learnLimits().catch(() => undefined);
      try {
        if (isConnectionSuspect(error)) throw error;
        if (undo) await deadline.race(send(connection, [undo]));
        connection.release();
      } catch {
        connection.destroy();
        if (isServerNotReady(error)) this.idle.condemnOthers();
        else this.idle.suspectOthers();
        this.hosts?.reportFailure(socketOf(connection));
      }
      throw error;
    } finally {
      this.held--;
    }
  }

  /** A connection to the current host. Those to an earlier host, and those that do not answer any more, are destroyed. */
  private async connect(deadline: Deadline): Promise<PoolConnection> {
    const driver = this.dataSource.driver as TypeormMysqlDriver;
    for (;;) {
      const requestedAt = Date.now();
      const connecting =
        driver.obtainMasterConnection() as Promise<PoolConnection>;
      let connection: PoolConnection;
      try {
        connection = await deadline.race(connecting);
      } catch (error) {
        // A connection that arrives late goes back to the pool.
        connecting.then((late) => late.release()).catch(() => undefined);
        if (isAccountLimit(error)) this.useFewer(error);
        throw error;
      }
      this.held++;
      const isStale = this.hosts?.isCurrent(socketOf(connection)) === false;
      if (
        !isStale &&
        (await this.idle.isAlive(connection, requestedAt, deadline.left))
      ) {
        return connection;
      }
      this.held--;
      connection.destroy();
    }
  }

  /** The account may have fewer connections than the pool, or shares them with other instances. */
  private useFewer(error: unknown): void {
    this.queue.lowerTo(Math.max(this.held - 1, 1), FEWER_CONNECTIONS_MS);
    if (performance.now() < this.warnedAt + FEWER_CONNECTIONS_MS) return;
    this.warnedAt = performance.now();
    this.logger.warn(
      `The pool is larger than the account's limit: ${reasonOf(error)}. Set DATABASE_POOL_SIZE to less; requests wait meanwhile.`,
    );
  }
}

/** Whether the connection, or its server, may be in an unknown state after this error. */
function isConnectionSuspect(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError ||
    isRefusedForSize(error) ||
    isConnectionLost(error) ||
    isServerNotReady(error)
  );
}

function isRefusedForSize(error: unknown): boolean {
  return error instanceof WriteTooLargeError && error.closesConnection;
}

/** On a connection that takes one statement at a time, COMMIT goes alone: then it is known whether it was sent. */
function workOn<T>({ config }: PoolConnection, work: Work<T>): UnitOfWork<T> {
  return config.multipleStatements ? work() : uncommitted(work());
}

/** A unit of work with a COMMIT at its end, unless it yields one with small statements. */
function* committed<T>(deadline: Deadline, work: UnitOfWork<T>): UnitOfWork<T> {
  let isCommitted = false;
  const result = yield* withSteps(work, function* (statements) {
    if (isCommitted) throw new Error('The write has been committed already');
    if (!statements.includes(COMMIT) || !isSmall(statements)) {
      return yield* withoutCommit(statements);
    }
    const last = yield* committing(deadline, statements);
    isCommitted = true;
    return last;
  });
  if (!isCommitted) yield* committing(deadline, [COMMIT]);
  return result;
}

/** Sends statements, of which the last is COMMIT. */
function* committing(
  deadline: Deadline,
  statements: Statement[],
): UnitOfWork<StatementResult> {
  if (deadline.left <= 0) throw new StoreUnavailableError('store_timeout');
  try {
    return yield statements;
  } catch (error) {
    if (isNotCommitted(error)) throw error;
    throw new StoreUnavailableError('outcome_unknown', error);
  }
}

/**
 * Whether this error of statements that end with COMMIT says that nothing was
 * committed. A proxy that has lost its server blames the first statement.
 */
function isNotCommitted(error: unknown): boolean {
  if (error instanceof StatementFailedError) {
    const isCertain =
      error.statement !== COMMIT &&
      !isConnectionLost(error) &&
      !isInterrupted(error);
    return isCertain || isContention(error);
  }
  // Other errors come before anything is sent.
  return !(error instanceof StoreUnavailableError);
}
