import type { DataSource } from 'typeorm';
import { chatSessionsEntities } from '../chat-sessions/entities/entities.js';
import { reasonOf } from '../describe-error.js';
import type { Database } from './database.js';
import { connectionMistakes, isGalera } from './mysql-requirements.js';
import { MysqlDatabase } from './mysql.database.js';
import { SqliteDatabase } from './sqlite.database.js';
import type { UnitOfWork } from './unit-of-work.js';

/**
 * The door to the store that a data source is connected to.
 * @param name of the data source in the application
 * @param deadlineMs milliseconds in which a unit of work ends one way or another
 * @throws an Error of one line where it is not such that the module can work on it
 */
export async function openDatabase(
  dataSource: DataSource,
  name: string,
  deadlineMs: number,
): Promise<Database> {
  try {
    const database = open(dataSource, deadlineMs);
    await database.read(() => usable(dataSource, database));
    return database;
  } catch (cause) {
    throw new Error(
      `Chat Sessions cannot use the data source "${name}": ${reasonOf(cause)}`,
      { cause },
    );
  }
}

function open(dataSource: DataSource, deadlineMs: number): Database {
  const missing = chatSessionsEntities.filter(
    (entity) => !dataSource.hasMetadata(entity),
  );
  if (missing.length > 0) {
    throw new Error('its entities lack those of chatSessionsEntities');
  }
  const { type } = dataSource.options;
  if (type === 'mysql' || type === 'mariadb') {
    return new MysqlDatabase(dataSource, deadlineMs);
  }
  if (type === 'better-sqlite3') {
    refuseOthers(dataSource);
    return new SqliteDatabase(dataSource, deadlineMs);
  }
  throw new Error(`it is ${type}, not mysql, mariadb or better-sqlite3`);
}

/**
 * TypeORM has one connection to SQLite for everybody. A write of ours that came
 * while others have a transaction open would be part of it, and vanish with it.
 */
function refuseOthers({ entityMetadatas }: DataSource): void {
  const others = entityMetadatas
    .filter(({ target }) => !chatSessionsEntities.some((own) => own === target))
    .map(({ name }) => name);
  if (others.length > 0) {
    throw new Error(
      `on SQLite it must be one of its own, but it has the entities ${others.join(', ')}, too`,
    );
  }
}

function* usable(dataSource: DataSource, database: Database): UnitOfWork<void> {
  if (database instanceof MysqlDatabase) {
    const mistakes = yield* connectionMistakes();
    if (mistakes.length > 0) throw new Error(mistakes.join('; '));
    database.mayChain = !(yield* isGalera());
  }
  for (const entity of chatSessionsEntities) {
    try {
      yield dataSource
        .getRepository(entity)
        .createQueryBuilder()
        .where('1 = 0');
    } catch (cause) {
      throw new Error(`${reasonOf(cause)}: have its migrations run?`, {
        cause,
      });
    }
  }
}
