import type { DataSource, QueryRunner } from 'typeorm';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { parseDatabaseConfig } from '../../../src/app/config/parse-config.js';
import {
  createDataSource,
  openDataSource,
} from '../../../src/app/database/data-source.js';
import { mysqlMigrations } from '../../../src/chat-sessions/store/migrations/migrations.js';
import { createMysqlDatabase } from '../../support/mysql-database.js';
import { PATIENCE } from '../../support/patience.js';

/** The statements of all migrations, in order. MySQL commits each one by itself. */
async function statementsOf(direction: 'up' | 'down'): Promise<string[]> {
  const statements: string[] = [];
  const isThere = async () => direction === 'down';
  const runner = {
    query: async (sql: string) => {
      if (!sql.startsWith('SET ')) statements.push(sql);
      return [];
    },
    hasColumn: isThere,
    hasTable: isThere,
  };
  const migrations =
    direction === 'up' ? mysqlMigrations : mysqlMigrations.toReversed();
  for (const Migration of migrations) {
    await new Migration()[direction](runner as unknown as QueryRunner);
  }
  return statements;
}

const UP = await statementsOf('up');
const DOWN = await statementsOf('down');

async function emptyDatabase() {
  const database = await createMysqlDatabase(inject('mysqlUrl'));
  onTestFinished(() => database.remove());
  return parseDatabaseConfig({
    ...PATIENCE,
    DATABASE_URL: database.url,
    DATABASE_MIGRATE: 'true',
  });
}

it('the migrations ask for ALTERs that do not block writes, or fail', () => {
  const alters = UP.filter((sql) => /^\s*ALTER TABLE\b/.test(sql));
  expect(alters).not.toHaveLength(0);
  const allowed = /ALGORITHM=(INSTANT|INPLACE, LOCK=NONE)$/;
  expect(alters.filter((sql) => !allowed.test(sql))).toEqual([]);
});

describe.each(UP.map((_, done) => done + 1))(
  'a migration that was killed after statement %i',
  (done) => {
    it('can run again, with the same schema', async () => {
      const config = await emptyDatabase();
      const killed = await (await createDataSource(config)).initialize();
      for (const statement of UP.slice(0, done)) await killed.query(statement);
      await killed.destroy();
      const dataSource = await openDataSource(config);
      onTestFinished(() => dataSource.destroy());
      const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
      expect(upQueries).toEqual([]);
      expect(await dataSource.showMigrations()).toBe(false);
    });
  },
);

describe.each(DOWN.map((_, done) => done + 1))(
  'a revert that was killed after statement %i',
  (done) => {
    it('can run again', async () => {
      const dataSource = await openDataSource(await emptyDatabase());
      onTestFinished(() => dataSource.destroy());
      for (const statement of DOWN.slice(0, done)) {
        await dataSource.query(statement);
      }
      for (const _ of mysqlMigrations) await dataSource.undoLastMigration();
      const tables = await dataSource.query<unknown[]>(
        'SHOW TABLES LIKE "chat%"',
      );
      expect(tables).toEqual([]);
    });
  },
);

describe("a platform's table", () => {
  const ROW = [{ id: 1, owner_id: 'theirs' }];

  async function createTheirs(dataSource: DataSource, table: string) {
    await dataSource.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, owner_id varchar(36))`,
    );
    await dataSource.query(`INSERT INTO ${table} VALUES (1, 'theirs')`);
  }

  it.each([
    'chat_sessions',
    'chat_messages',
    'idempotency_keys',
    'chat_purges',
    'chat_range_purges',
    'chat_forks',
    'chat_runs',
    'chat_message_chunks',
    'chat_usage',
  ])(
    '%s is not taken: the migration is refused with one line',
    async (table) => {
      const config = await emptyDatabase();
      const dataSource = await (await createDataSource(config)).initialize();
      onTestFinished(() => dataSource.destroy());
      await createTheirs(dataSource, table);
      await expect(dataSource.runMigrations()).rejects.toThrow(
        `The database has a table ${table} that is not of Chat Sessions: rename it, or give Chat Sessions a database of its own`,
      );
      expect(await dataSource.query(`SELECT * FROM ${table}`)).toEqual(ROW);
    },
  );

  it.each([
    'idempotency_keys',
    'chat_purges',
    'chat_range_purges',
    'chat_forks',
    'chat_runs',
    'chat_message_chunks',
    'chat_usage',
  ])('%s is not dropped by a revert', async (table) => {
    const dataSource = await openDataSource(await emptyDatabase());
    onTestFinished(() => dataSource.destroy());
    // The chunks refer to the runs.
    const first = table === 'chat_runs' ? 'chat_message_chunks, ' : '';
    await dataSource.query(`DROP TABLE ${first}${table}`);
    await createTheirs(dataSource, table);
    for (const _ of mysqlMigrations) await dataSource.undoLastMigration();
    expect(await dataSource.query(`SELECT * FROM ${table}`)).toEqual(ROW);
  });
});
