import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';

/** One SQL statement: TypeORM's query builders are such, mapping and dialect included. */
export interface Statement {
  getQueryAndParameters(): [string, unknown[]];
}

type Row = Record<string, unknown>;

export interface StatementResult {
  rows: Row[];
  /** Rows that a write matched, also those that it did not change. */
  affected: number;
}

/**
 * A piece of work on the store, written once for every engine: it yields
 * statements and is resumed with their results. Being a generator, it awaits
 * nothing but the store, so SQLite can run it without a gap in which another
 * request's statements would slip into its transaction.
 */
export type UnitOfWork<T> = Generator<Statement, T, StatementResult>;

/** Runs a SELECT and maps its rows to entities; columns that were not selected stay undefined. */
export function* select<Entity extends ObjectLiteral>(
  query: SelectQueryBuilder<Entity>,
): UnitOfWork<Entity[]> {
  const { rows } = yield query;
  const { name: alias, metadata } = query.expressionMap.mainAlias!;
  const { driver } = query.dataSource;
  const EntityClass = metadata.target as new () => Entity;
  return rows.map((row) => {
    const entity = new EntityClass();
    for (const column of metadata.columns) {
      const value = row[`${alias}_${column.databaseName}`];
      if (value !== undefined) {
        column.setEntityValue(
          entity,
          driver.prepareHydratedValue(value, column),
        );
      }
    }
    return entity;
  });
}

/** Runs an INSERT, UPDATE or DELETE and tells how many rows it matched. */
export function* execute(statement: Statement): UnitOfWork<number> {
  return (yield statement).affected;
}
