import type {
  ColumnType,
  DataSource,
  Driver,
  ObjectLiteral,
  Repository,
  SelectQueryBuilder,
} from 'typeorm';
import { type Statement, statement, type UnitOfWork } from './unit-of-work.js';

interface Column {
  /** Its name in statements. */
  name: string;
  /** The value that is stored. */
  persist: (value: unknown) => unknown;
}

/**
 * A SELECT of an entity's columns, each under the name of its property, so that
 * a row has the shape of the entity.
 * @param properties all but those with `select: false`, if left out
 */
export function selectFrom<Entity extends ObjectLiteral>(
  repository: Repository<Entity>,
  alias: string,
  properties: readonly (keyof Entity & string)[] = propertiesOf(repository),
): SelectQueryBuilder<Entity> {
  const query = repository.createQueryBuilder(alias).select([]);
  for (const name of properties) query.addSelect(`${alias}.${name}`, name);
  return query;
}

function propertiesOf<Entity extends ObjectLiteral>({
  metadata,
}: Repository<Entity>) {
  return metadata.columns
    .filter(({ isSelect }) => isSelect)
    .map(({ propertyName }) => propertyName);
}

/**
 * Runs a query of `selectFrom`. Its rows are entities in all but their class;
 * columns that were not selected are missing.
 */
export function* select<Entity extends ObjectLiteral>(
  query: SelectQueryBuilder<Entity>,
): UnitOfWork<Entity[]> {
  const { rows } = yield [query];
  return hydrated(rows, query);
}

interface CachedText<Entity extends ObjectLiteral> {
  query: SelectQueryBuilder<Entity>;
  sql: string;
  /** The name of the value for each parameter of the statement. */
  parameters: string[];
}

/**
 * `select` for the hot paths. TypeORM writes the text once for each set of
 * names; later calls only bring other values. If it wrote the text each time, a
 * read by key would take x 1.40 of the processor time (`npx tsx
 * test/bench/statements.ts`).
 * @param build gets the names of the values in place of the values, and may only hand them on
 * @returns takes the values, and the largest number of rows, which a query with a lock cannot have
 */
export function cachedSelect<
  Values extends object,
  Entity extends ObjectLiteral,
>(
  build: (values: Values) => SelectQueryBuilder<Entity>,
): (values: Values, limit?: number) => UnitOfWork<Entity[]> {
  const texts = new Map<string, CachedText<Entity>>();
  return function* (values, limit) {
    const names = Object.keys(values);
    const shape = names.join();
    let text = texts.get(shape);
    if (!text) {
      text = textOf(build, names);
      texts.set(shape, text);
    }
    const { sql, parameters, query } = text;
    const given = parameters.map((name) => values[name as keyof Values]);
    const { rows } = yield limit === undefined
      ? [statement(sql, given)]
      : [statement(`${sql} LIMIT ?`, [...given, limit])];
    return hydrated(rows, query);
  };
}

function textOf<Values extends object, Entity extends ObjectLiteral>(
  build: (values: Values) => SelectQueryBuilder<Entity>,
  names: string[],
): CachedText<Entity> {
  const query = build(
    Object.fromEntries(names.map((name) => [name, name])) as Values,
  );
  const [sql, parameters] = query.getQueryAndParameters();
  if (!parameters.every((name) => names.includes(name as string))) {
    throw new Error(`A value is part of the cached statement: ${sql}`);
  }
  return { query, sql, parameters: parameters as string[] };
}

/** INSERTs and UPDATEs of an entity's table, with names and values as its driver writes them. */
export class Table<Entity extends ObjectLiteral> {
  private readonly name: string;
  private readonly columns: ReadonlyMap<string, Column>;

  constructor({ manager, metadata }: Repository<Entity>) {
    const driver = driverOf(manager);
    this.name = metadata.tablePath
      .split('.')
      .map((part) => driver.escape(part))
      .join('.');
    this.columns = new Map(
      metadata.columns.map((column) => [
        column.propertyName,
        {
          name: driver.escape(column.databaseName),
          persist: (value) => driver.preparePersistentValue(value, column),
        },
      ]),
    );
  }

  /** An INSERT of entities whose columns are all set. A column that is null in all of them is left out: its default is NULL. */
  insert(entities: Entity[]): Statement {
    const columns = [...this.columns].filter(([property]) =>
      entities.some((entity) => entity[property] !== null),
    );
    const names = columns.map(([, { name }]) => name).join(', ');
    const row = `(${columns.map(() => '?').join(', ')})`;
    const rows = entities.map(() => row).join(', ');
    const values = entities.flatMap((entity) =>
      columns.map(([property, { persist }]) => persist(entity[property])),
    );
    return statement(
      `INSERT INTO ${this.name} (${names}) VALUES ${rows}`,
      values,
    );
  }

  /**
   * An INSERT of copies of rows.
   * @param changes SQL for the properties that do not keep their value
   * @param where SQL that chooses the rows
   * @param values those of the placeholders, of `changes` first, in the order of the entity's columns
   */
  copy(
    changes: Partial<Record<keyof Entity, string>>,
    where: string,
    values: unknown[],
  ): Statement {
    const columns = [...this.columns];
    const names = columns.map(([, { name }]) => name).join(', ');
    const selected = columns
      .map(([property, { name }]) => changes[property] ?? name)
      .join(', ');
    return statement(
      `INSERT INTO ${this.name} (${names}) SELECT ${selected} FROM ${this.name} WHERE ${where}`,
      values,
    );
  }

  /** An UPDATE of the rows with a key. */
  update(key: Partial<Entity>, changes: Partial<Entity>): Statement {
    const assigned = this.terms(changes);
    const keys = this.terms(key);
    return statement(
      `UPDATE ${this.name} SET ${assigned.texts.join(', ')} WHERE ${keys.texts.join(' AND ')}`,
      [...assigned.values, ...keys.values],
    );
  }

  /** `name = ?` for each property. */
  private terms(part: Partial<Entity>) {
    const texts: string[] = [];
    const values: unknown[] = [];
    for (const [property, value] of Object.entries(part)) {
      const { name, persist } = this.columns.get(property)!;
      texts.push(`${name} = ?`);
      values.push(persist(value));
    }
    return { texts, values };
  }
}

/**
 * Column types whose values every driver returns as the entity has them. Without
 * this list TypeORM looks at each value, and a page of 50 messages takes x 1.10
 * of the processor time (`npx tsx test/bench/statements.ts`).
 */
const RETURNED_AS_STORED = new Set<ColumnType>(['varchar', 'int', 'longtext']);

/** Turns what the driver returned into what the entity has: dates, booleans, JSON. */
function hydrated<Entity extends ObjectLiteral>(
  rows: Record<string, unknown>[],
  query: SelectQueryBuilder<Entity>,
): Entity[] {
  const [first] = rows;
  if (!first) return [];
  const driver = driverOf(query);
  const columns = query.expressionMap.mainAlias!.metadata.columns.filter(
    ({ propertyName, type, transformer }) =>
      propertyName in first && (transformer || !RETURNED_AS_STORED.has(type)),
  );
  for (const row of rows) {
    for (const column of columns) {
      const { propertyName } = column;
      row[propertyName] = driver.prepareHydratedValue(
        row[propertyName],
        column,
      );
    }
  }
  return rows as Entity[];
}

/** TypeORM 0.3 has the data source as `connection`, which TypeORM 1 deprecates. */
function driverOf(owner: {
  dataSource?: DataSource;
  connection: DataSource;
}): Driver {
  return (owner.dataSource ?? owner.connection).driver;
}
