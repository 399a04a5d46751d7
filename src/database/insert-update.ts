import type {
  EntityMetadata,
  QueryDeepPartialEntity,
  Repository,
} from 'typeorm';
import { execute, type Statement, type UnitOfWork } from './unit-of-work.js';

type Column = EntityMetadata['columns'][number];

/** The text of a statement, and the column of each of its parameters. */
interface Text {
  sql: string;
  columns: Column[];
}

/** Inserts entities whose columns are all set. The text is made once for each number of them. */
export function preparedInsert<Entity extends object>(
  repositoryOf: () => Repository<Entity>,
): (entities: Entity[]) => UnitOfWork<void> {
  const texts = new Map<number, Text>();

  function prepare(count: number): Text {
    const repository = repositoryOf();
    const keys = repository.metadata.columns.map(
      (column) => column.propertyName,
    );
    const sql = textOf(
      repository
        .createQueryBuilder()
        .insert()
        .values(Array.from({ length: count }, () => placeholders<Entity>(keys)))
        .updateEntity(false),
    );
    const names = /\((.*?)\) VALUES /.exec(sql)![1]!.split(',');
    const columns = names.map((name) => columnOf(repository, name));
    return {
      sql,
      columns: Array.from({ length: count }, () => columns).flat(),
    };
  }

  return function* (entities) {
    const count = entities.length;
    const text = texts.get(count) ?? prepare(count);
    texts.set(count, text);
    const width = text.columns.length / count;
    yield* execute(
      statement(
        repositoryOf(),
        text,
        (index) => entities[Math.floor(index / width)]!,
      ),
    );
  };
}

/**
 * Changes the one row with the given key; resolves to how many there were. The
 * text is made once for each set of changed columns.
 */
export function preparedUpdate<Entity extends object>(
  repositoryOf: () => Repository<Entity>,
): (key: Partial<Entity>, changes: Partial<Entity>) => UnitOfWork<number> {
  const texts = new Map<string, Text>();

  function prepare(key: Partial<Entity>, changes: Partial<Entity>): Text {
    const repository = repositoryOf();
    const sql = textOf(
      repository
        .createQueryBuilder()
        .update()
        .set(placeholders<Entity>(Object.keys(changes)))
        .where(placeholders(Object.keys(key))),
    );
    const names = sql.matchAll(/(\S+) = (?=\?)/g);
    const columns = Array.from(names, ([, name]) =>
      columnOf(repository, name!),
    );
    return { sql, columns };
  }

  return function* (key, changes) {
    const shape = Object.keys(changes).join();
    const text = texts.get(shape) ?? prepare(key, changes);
    texts.set(shape, text);
    const values = Object.assign({}, changes, key);
    return yield* execute(statement(repositoryOf(), text, () => values));
  };
}

/** Something that is not null: for that TypeORM has a text of its own. */
function placeholders<Entity>(keys: string[]) {
  return Object.fromEntries(
    keys.map((key) => [key, 'x']),
  ) as unknown as QueryDeepPartialEntity<Entity>;
}

/** As TypeORM writes it before a driver puts numbers into it. */
function textOf(query: { getQuery(): string }): string {
  return query.getQuery().replace(/:orm_param_\d+/g, '?');
}

/** @param from the entity, or a part of one, that holds the value of a parameter */
function statement<Entity extends object>(
  {
    manager: {
      dataSource: { driver },
    },
  }: Repository<Entity>,
  { sql, columns }: Text,
  from: (index: number) => Partial<Entity>,
): Statement {
  const parameters = columns.map((column, index) => {
    const value = (from(index) as Record<string, unknown>)[column.propertyName];
    return driver.preparePersistentValue(value, column) as unknown;
  });
  return {
    getQueryAndParameters: () => [sql, parameters],
    isPrepared: true,
  };
}

/** @param name as in a statement, in the quotes of its dialect, perhaps with more around it */
function columnOf({ metadata }: Repository<object>, name: string): Column {
  const [, databaseName] = /[`"](\w+)[`"]$/.exec(name)!;
  return metadata.findColumnWithDatabaseName(databaseName!)!;
}
