import { Logger } from '@nestjs/common';
import type { DataSource, EntityTarget, ObjectLiteral } from 'typeorm';
import { reasonOf } from '../errors/describe-error.js';
import type { Database } from './database.js';
import { MysqlDatabase } from './mysql/mysql.database.js';
import {
  connectionProblems,
  connectionWarnings,
} from './mysql/requirements.js';
import { SqliteDatabase } from './sqlite/sqlite.database.js';
import type { UnitOfWork } from './unit-of-work.js';

export interface DatabaseOptions {
  /** Entities of the units of work; the data source must have them. */
  entities: EntityTarget<ObjectLiteral>[];
  /** Name of the data source in the application, for error messages. */
  name: string;
  /** Milliseconds for a unit of work with all of its attempts. */
  deadlineMs: number;
  /** Size of the largest text that is written. */
  textBytes: number;
}

/**
 * Opens the store of a connected data source.
 * @throws an Error of one line if the module cannot work with the data source
 */
export async function openDatabase(
  dataSource: DataSource,
  { entities, name, deadlineMs, textBytes }: DatabaseOptions,
): Promise<Database> {
  try {
    const missing = entities.filter(
      (entity) => !dataSource.hasMetadata(entity),
    );
    if (missing.length > 0) {
      throw new Error('its entities lack those of chatSessionsEntities');
    }
    const database = createDatabase(dataSource, entities, deadlineMs);
    await database.read(() => checkStore(dataSource, database, entities));
    if (database instanceof MysqlDatabase) {
      await database.learnLimits();
      if (database.hasSharedPool)
        await warn(database, { deadlineMs, textBytes });
    }
    if (database instanceof SqliteDatabase) await database.checkPages();
    return database;
  } catch (cause) {
    throw new Error(
      `Chat Sessions cannot use the data source "${name}": ${reasonOf(cause)}`,
      { cause },
    );
  }
}

async function warn(
  database: MysqlDatabase,
  expected: Pick<DatabaseOptions, 'deadlineMs' | 'textBytes'>,
): Promise<void> {
  const logger = new Logger(MysqlDatabase.name);
  const warnings = await database.read(() => connectionWarnings(expected));
  for (const warning of warnings) logger.warn(warning);
}

function createDatabase(
  dataSource: DataSource,
  entities: EntityTarget<ObjectLiteral>[],
  deadlineMs: number,
): Database {
  const { type } = dataSource.options;
  if (type === 'mysql' || type === 'mariadb') {
    return new MysqlDatabase(dataSource, deadlineMs);
  }
  if (type === 'better-sqlite3') {
    refuseForeignEntities(dataSource, entities);
    return new SqliteDatabase(dataSource, deadlineMs);
  }
  throw new Error(`it is ${type}, not mysql, mariadb or better-sqlite3`);
}

/**
 * TypeORM has one connection to SQLite for everybody. If other code had a
 * transaction open, a write of ours would become part of it and vanish with its
 * rollback.
 */
function refuseForeignEntities(
  { entityMetadatas }: DataSource,
  entities: EntityTarget<ObjectLiteral>[],
): void {
  const others = entityMetadatas
    .filter(({ target }) => !entities.includes(target))
    .map(({ name }) => name);
  if (others.length > 0) {
    throw new Error(
      `on SQLite it must be one of its own, but it has the entities ${others.join(', ')}, too`,
    );
  }
}

/** Checks the settings of a connection, and that each table exists. */
function* checkStore(
  dataSource: DataSource,
  database: Database,
  entities: EntityTarget<ObjectLiteral>[],
): UnitOfWork<void> {
  if (database instanceof MysqlDatabase) {
    const problems = yield* connectionProblems();
    if (problems.length > 0) throw new Error(problems.join('; '));
  }
  for (const entity of entities) {
    try {
      const repository = dataSource.getRepository(entity);
      yield [repository.createQueryBuilder().where('1 = 0')];
    } catch (cause) {
      throw new Error(`${reasonOf(cause)}: have its migrations run?`, {
        cause,
      });
    }
  }
}
