import type { ColumnType, SelectQueryBuilder } from 'typeorm';
import type { StatementResult, UnitOfWork } from './unit-of-work.js';

/** Runs a SELECT and maps its rows to entities; columns that were not selected stay undefined. */
export function* select<Entity extends object>(
  query: SelectQueryBuilder<Entity>,
): UnitOfWork<Entity[]> {
  const result = yield query;
  return entitiesOf(query, mappingOf(query, result), result);
}

/**
 * As `select`, of a SELECT that is always the same but for its values: its text
 * is made once. To make it takes TypeORM longer than the store to answer it.
 * @param build is called once, with placeholders for the values: it may hand them on and no more
 */
export function preparedSelect<Values extends object, Entity extends object>(
  build: (values: Values) => SelectQueryBuilder<Entity>,
): (values: Values) => UnitOfWork<Entity[]> {
  let prepared: Prepared<Values, Entity> | undefined;
  let mapping: Mapping | undefined;
  return function* (values) {
    const { query, sql, order } = (prepared ??= prepare(build, values));
    const result = yield {
      getQueryAndParameters: () => [sql, order.map((key) => values[key])],
      isPrepared: true,
    };
    mapping ??= mappingOf(query, result);
    return entitiesOf(query, mapping, result);
  };
}

interface Prepared<Values, Entity extends object> {
  query: SelectQueryBuilder<Entity>;
  sql: string;
  /** Which of the values each of the statement's parameters is. */
  order: (keyof Values)[];
}

function prepare<Values extends object, Entity extends object>(
  build: (values: Values) => SelectQueryBuilder<Entity>,
  values: Values,
): Prepared<Values, Entity> {
  const keys = Object.keys(values);
  const query = build(
    Object.fromEntries(keys.map((key) => [key, key])) as Values,
  );
  const [sql, order] = query.getQueryAndParameters();
  if (!order.every((key) => keys.includes(key as string))) {
    throw new Error(`Not only placeholders: ${sql}`);
  }
  return { query, sql, order: order as (keyof Values)[] };
}

/** Types whose values every driver gives as they are: most, and TypeORM would ask of each what it might be. */
const PLAIN = new Set<ColumnType>(['varchar', 'int', 'longtext']);

/** What becomes of each value of a row. */
type Mapping = {
  propertyName: string;
  /** Undefined where the value stays as it is. */
  hydrate?: (value: unknown) => unknown;
}[];

function mappingOf<Entity extends object>(
  { expressionMap, dataSource: { driver } }: SelectQueryBuilder<Entity>,
  { columns }: StatementResult,
): Mapping {
  const { name: alias, metadata } = expressionMap.mainAlias!;
  return columns.map((name) => {
    const column = metadata.columns.find(
      ({ databaseName }) => name === `${alias}_${databaseName}`,
    )!;
    const { propertyName, type, transformer } = column;
    if (PLAIN.has(type) && !Array.isArray(transformer)) {
      return {
        propertyName,
        hydrate: transformer && ((value) => transformer.from(value) as unknown),
      };
    }
    return {
      propertyName,
      hydrate: (value) => driver.prepareHydratedValue(value, column) as unknown,
    };
  });
}

function entitiesOf<Entity extends object>(
  { expressionMap }: SelectQueryBuilder<Entity>,
  mapping: Mapping,
  { rows }: StatementResult,
): Entity[] {
  const EntityClass = expressionMap.mainAlias!.target as new () => Entity;
  return rows.map((row) => {
    const entity = new EntityClass() as Record<string, unknown>;
    mapping.forEach(({ propertyName, hydrate }, index) => {
      const value = row[index];
      entity[propertyName] = hydrate ? hydrate(value) : value;
    });
    return entity as Entity;
  });
}
