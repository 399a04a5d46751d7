import type { PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2';
import {
  type DataSource,
  type DataSourceOptions,
  type ObjectLiteral,
  QueryFailedError,
  type QueryRunner,
  type SelectQueryBuilder,
} from 'typeorm';
import { Database, type Work } from './database.js';
import { Deadline } from './deadline.js';
import {
  isConnectionLost,
  isContention,
  isNotPrepared,
  StoreUnavailableError,
} from './errors.js';
import { checkNode, type MysqlDriver, socketOf } from './mysql-connection.js';
import { Gate } from './gate.js';
import type { MysqlHosts } from './mysql-hosts.js';
import { withRetries } from './retry.js';
import type { Statement, StatementResult, UnitOfWork } from './unit-of-work.js';

/** Requests that may wait for a connection, for each there is: what comes on top is shed. */
const WAITING_PER_CONNECTION = 16;
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
  private readonly gate: Gate;
  private checking: Promise<void> | undefined;

  /** @param deadlineMs milliseconds for a unit of work with all of its tries */
  constructor(
    private readonly dataSource: DataSource,
    deadlineMs: number,
  ) {
    super();
    const { driver, poolSize = DEFAULT_POOL_SIZE } =
      dataSource.options as MysqlDataSourceOptions;
    this.hosts = (driver as Partial<MysqlDriver> | undefined)?.hosts;
    // One is kept for `check`, which tells whether requests had better stay away.
    const width = Math.max(poolSize - 1, 1);
    this.gate = new Gate(width, width * WAITING_PER_CONNECTION, deadlineMs);
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

  /** One at a time: whoever asks meanwhile gets the same answer. */
  check(milliseconds: number): Promise<void> {
    this.checking ??= this.checkNow(milliseconds).finally(() => {
      this.checking = undefined;
    });
    return this.checking;
  }

  private async checkNow(milliseconds: number): Promise<void> {
    const deadline = new Deadline(milliseconds);
    await this.onConnection(deadline, async (runner) => {
      await checkNode((sql) => deadline.race(() => runner.query(sql)));
    });
  }

  forUpdate<Entity extends ObjectLiteral>(query: SelectQueryBuilder<Entity>) {
    return query.setLock('pessimistic_write');
  }

  private inTime<T>(attempt: (deadline: Deadline) => Promise<T>): Promise<T> {
    return this.gate.pass((deadline) =>
      withRetries(deadline, () => attempt(deadline)),
    );
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
      this.hosts?.suspect(socket);
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

/** On the driver's connection: TypeORM's own way to it makes an object of every row, and takes half as long again. */
async function run(
  runner: QueryRunner,
  statement: Statement,
): Promise<StatementResult> {
  const connection = (await runner.connect()) as PoolConnection;
  const [sql, values] = statement.getQueryAndParameters();
  return new Promise((resolve, reject) => {
    connection.query<RowDataPacket[][] | ResultSetHeader>(
      { sql, values, rowsAsArray: true },
      (error, result, fields) => {
        if (error) {
          reject(new QueryFailedError(sql, values, error));
        } else if (Array.isArray(result)) {
          const columns = fields.map(({ name }) => name);
          resolve({ columns, rows: result, affected: 0 });
        } else {
          resolve({ columns: [], rows: [], affected: result.affectedRows });
        }
      },
    );
  });
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
