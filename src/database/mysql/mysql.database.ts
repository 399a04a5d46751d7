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
import { Gate, type Turn } from '../store-queue.js';
import type { MysqlHosts } from './hosts.js';
import { checkNode, type MysqlDriver, socketOf } from './node.js';
import { command, drive, send } from './run-statements.js';
import { withRetries } from '../retry.js';
import type { Statement, UnitOfWork } from '../unit-of-work.js';

/** Requests that may wait for a connection, for each there is: what comes on top is shed. */
const WAITING_PER_CONNECTION = 16;
/** Of mysql2. */
const DEFAULT_POOL_SIZE = 10;

/** Writes that follow each other on one connection before others of the application get it. */
const LONGEST_CHAIN = 16;
/** For the end of a transaction in which nothing happened. */
const UNDO_MS = 1_000;

const START_TRANSACTION = command('START TRANSACTION');
const COMMIT = command('COMMIT');
const COMMIT_AND_CHAIN = command('COMMIT AND CHAIN');
const ROLLBACK = command('ROLLBACK');

/** A connection in a transaction in which nothing happened yet. */
interface Begun {
  connection: PoolConnection;
  /** Of the writes that came before. */
  chainLength: number;
}

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
  /**
   * Whether a COMMIT AND CHAIN ends one transaction and begins the next, and no
   * more. On Galera it waits for what other nodes have committed meanwhile, and
   * where it fails in that, the first transaction is committed all the same.
   */
  mayChain = false;
  private readonly hosts: MysqlHosts | undefined;
  private readonly gate: Gate<Begun>;
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
    const width = Math.max(connectionLimit - 1, 1);
    this.gate = new Gate(width, width * WAITING_PER_CONNECTION, deadlineMs);
  }

  read<T>(work: Work<T>): Promise<T> {
    return this.gate.pass(({ deadline }) =>
      withRetries(deadline, () =>
        this.onConnection(deadline, (connection) =>
          drive(connection, deadline, work()),
        ),
      ),
    );
  }

  write<T>(work: Work<T>): Promise<T> {
    return this.gate.pass(
      (turn) => withRetries(turn.deadline, () => this.transact(turn, work)),
      { inherits: true },
    );
  }

  /**
   * One transaction. Where the next in line is a write, too, it begins where this
   * one ends: COMMIT AND CHAIN spares it START TRANSACTION, one statement of five.
   */
  private async transact<T>(turn: Turn<Begun>, work: Work<T>): Promise<T> {
    const { deadline, place } = turn;
    turn.place = undefined; // Another try begins anew.
    const connection = place?.connection ?? (await this.connect(deadline));
    const chainLength = (place?.chainLength ?? 0) + 1;
    let isChained = false;
    const end = () => {
      isChained =
        this.mayChain && chainLength < LONGEST_CHAIN && !!this.gate.heir;
      return isChained ? COMMIT_AND_CHAIN : COMMIT;
    };
    try {
      const begin = place ? undefined : START_TRANSACTION;
      const result = await drive(
        connection,
        deadline,
        transaction(deadline, work(), begin, end),
      );
      if (isChained) this.handOn({ connection, chainLength });
      else connection.release();
      return result;
    } catch (error) {
      await this.giveBack(connection, error, deadline, ROLLBACK);
      throw error;
    }
  }

  /** To the next in line, which may be another than when COMMIT AND CHAIN was sent, or nobody. */
  private handOn(begun: Begun): void {
    const { connection } = begun;
    const { heir } = this.gate;
    if (this.isStale(connection)) {
      connection.destroy();
    } else if (heir) {
      heir.place = begun;
    } else {
      const deadline = new Deadline(UNDO_MS);
      void this.giveBack(connection, undefined, deadline, ROLLBACK).finally(
        () => deadline.end(),
      );
    }
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
          const { rows } = await send(connection, command(sql), deadline);
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

  private async onConnection<T>(
    deadline: Deadline,
    use: (connection: PoolConnection) => Promise<T>,
  ): Promise<T> {
    const connection = await this.connect(deadline);
    try {
      const result = await use(connection);
      connection.release();
      return result;
    } catch (error) {
      await this.giveBack(connection, error, deadline);
      throw error;
    }
  }

  /** A connection to the server in force: what is left in the pool of an earlier one is destroyed. */
  private async connect(deadline: Deadline): Promise<PoolConnection> {
    const driver = this.dataSource.driver as TypeormMysqlDriver;
    for (;;) {
      const connecting =
        driver.obtainMasterConnection() as Promise<PoolConnection>;
      let connection: PoolConnection;
      try {
        connection = await deadline.promise((resolve, reject) => {
          connecting.then(resolve, reject);
        });
      } catch (error) {
        // Where it comes after all, it is for others.
        connecting.then((late) => late.release()).catch(() => undefined);
        throw error;
      }
      if (!this.isStale(connection)) return connection;
      connection.destroy();
    }
  }

  private isStale(connection: PoolConnection): boolean {
    return this.hosts?.isInForce(socketOf(connection)) === false;
  }

  /** To the pool where it is known to be fit and without a transaction, otherwise to nobody. */
  private async giveBack(
    connection: PoolConnection,
    error: unknown,
    deadline: Deadline,
    undo?: Statement,
  ): Promise<void> {
    try {
      if (isSuspect(error)) throw error;
      if (undo) await send(connection, undo, deadline);
      connection.release();
    } catch {
      connection.destroy();
      this.hosts?.suspect(socketOf(connection));
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

/**
 * The work between the beginning of a transaction and its end.
 * @param begin undefined where that has been done
 * @param end is asked when it is time for it
 */
function* transaction<T>(
  deadline: Deadline,
  work: UnitOfWork<T>,
  begin: Statement | undefined,
  end: () => Statement,
): UnitOfWork<T> {
  if (begin) yield begin;
  const result = yield* work;
  if (deadline.left <= 0) throw new StoreUnavailableError('late');
  const ending = end();
  try {
    yield ending;
  } catch (error) {
    // Without an answer nobody knows whether it happened; only some answers say that it did not.
    if (ending === COMMIT && isContention(error)) throw error;
    throw new StoreUnavailableError('outcome_unknown', error);
  }
  return result;
}
