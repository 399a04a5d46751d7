import type {
  DataSource,
  ObjectLiteral,
  QueryRunner,
  SelectQueryBuilder,
} from 'typeorm';
import { Database, type Work } from './database.js';
import { withRetries } from './retry.js';
import type { Statement, StatementResult, UnitOfWork } from './unit-of-work.js';

/** MySQL and MariaDB: every unit of work has a connection of its own. */
export class MysqlDatabase extends Database {
  constructor(private readonly dataSource: DataSource) {
    super();
  }

  read<This, T>(self: This, work: Work<This, T>): Promise<T> {
    return this.onConnection((runner) => drive(runner, work.call(self)));
  }

  write<This, T>(self: This, work: Work<This, T>): Promise<T> {
    return withRetries(() =>
      this.onConnection(async (runner) => {
        await runner.startTransaction();
        try {
          const result = await drive(runner, work.call(self));
          await runner.commitTransaction();
          return result;
        } catch (error) {
          // A dead connection cannot roll back; the server then does it by itself.
          await runner.rollbackTransaction().catch(() => undefined);
          throw error;
        }
      }),
    );
  }

  forUpdate<Entity extends ObjectLiteral>(query: SelectQueryBuilder<Entity>) {
    return query.setLock('pessimistic_write');
  }

  private async onConnection<T>(
    use: (runner: QueryRunner) => Promise<T>,
  ): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      return await use(runner);
    } finally {
      await runner.release();
    }
  }
}

async function drive<T>(runner: QueryRunner, work: UnitOfWork<T>): Promise<T> {
  let step = work.next();
  while (!step.done) {
    let result: StatementResult;
    try {
      result = await run(runner, step.value);
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
