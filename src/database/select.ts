import type { ColumnType, SelectQueryBuilder } from 'typeorm';
import type { UnitOfWork } from './unit-of-work.js';

/**
 * Runs a SELECT; its rows are entities in all but their class. Columns that were
 * not selected are not there.
 */
export function* select<Entity extends object>(
  query: SelectQueryBuilder<Entity>,
): UnitOfWork<Entity[]> {
  const [text, parameters] = query.getQueryAndParameters();
  const sql = withPropertyNames(text, query);
  const { rows } = yield { getQueryAndParameters: () => [sql, parameters] };
  return entitiesOf<Entity>(rows, hydrationsOf(query));
}

/**
 * As `select`, of a SELECT that is always the same but for its values: its text
 * is made once. To make it takes TypeORM longer than the store to answer it.
 * @param build is called once, with placeholders for the values: it may hand them on and no more
 */
export function preparedSelect<Values extends object, Entity extends object>(
  build: (values: Values) => SelectQueryBuilder<Entity>,
): (values: Values) => UnitOfWork<Entity[]> {
  let prepared: Prepared<Values> | undefined;
  return function* (values) {
    const { sql, order, hydrations } = (prepared ??= prepare(build, values));
    const { rows } = yield {
      getQueryAndParameters: () => [sql, order.map((key) => values[key])],
      isPrepared: true,
    };
    return entitiesOf<Entity>(rows, hydrations);
  };
}

interface Prepared<Values> {
  sql: string;
  /** Which of the values each of the statement's parameters is. */
  order: (keyof Values)[];
  hydrations: Hydration[];
}

function prepare<Values extends object, Entity extends object>(
  build: (values: Values) => SelectQueryBuilder<Entity>,
  values: Values,
): Prepared<Values> {
  const keys = Object.keys(values);
  const query = build(
    Object.fromEntries(keys.map((key) => [key, key])) as Values,
  );
  const [text, order] = query.getQueryAndParameters();
  if (!order.every((key) => keys.includes(key as string))) {
    throw new Error(`Not only placeholders: ${text}`);
  }
  return {
    sql: withPropertyNames(text, query),
    order: order as (keyof Values)[],
    hydrations: hydrationsOf(query),
  };
}

/** The text with columns called as the properties of the entity, and not `session_created_at`. */
function withPropertyNames<Entity extends object>(
  text: string,
  { expressionMap, dataSource: { driver } }: SelectQueryBuilder<Entity>,
): string {
  const { name: alias, metadata } = expressionMap.mainAlias!;
  return metadata.columns.reduce(
    (sql, { databaseName, propertyName }) =>
      sql.replaceAll(
        driver.escape(`${alias}_${databaseName}`),
        driver.escape(propertyName),
      ),
    text,
  );
}

/** Types whose values every driver gives as they are: most, and TypeORM would ask of each what it might be. */
const PLAIN = new Set<ColumnType>(['varchar', 'int', 'longtext']);

/** Of a property whose value is not as the driver gives it. */
interface Hydration {
  propertyName: string;
  hydrate(this: void, value: unknown): unknown;
}

function hydrationsOf<Entity extends object>({
  expressionMap,
  dataSource: { driver },
}: SelectQueryBuilder<Entity>): Hydration[] {
  return expressionMap.mainAlias!.metadata.columns.flatMap((column) => {
    const { propertyName, type, transformer } = column;
    if (!PLAIN.has(type) || Array.isArray(transformer)) {
      const hydrate = (value: unknown) =>
        driver.prepareHydratedValue(value, column) as unknown;
      return { propertyName, hydrate };
    }
    return transformer
      ? { propertyName, hydrate: (text) => transformer.from(text) as unknown }
      : [];
  });
}

function entitiesOf<Entity extends object>(
  rows: Record<string, unknown>[],
  hydrations: Hydration[],
): Entity[] {
  const [first] = rows;
  const needed = first
    ? hydrations.filter(({ propertyName }) => propertyName in first)
    : [];
  for (const row of rows) {
    for (const { propertyName, hydrate } of needed) {
      row[propertyName] = hydrate(row[propertyName]);
    }
  }
  return rows as Entity[];
}
