import type { DataSource, QueryDeepPartialEntity } from 'typeorm';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import { parseDatabaseConfig } from '../../src/app/config/parse-config.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { newSession } from '../../src/chat-sessions/sessions/session-rules.js';
import { ChatSession } from '../../src/chat-sessions/store/entities/chat-session.entity.js';
import { FAMILY } from '../support/api.js';
import { connectMysql } from '../support/mysql-connection.js';
import type { TestDatabase } from '../support/mysql-database.js';
import { findMysqlServer, startMysqlServer } from '../support/mysql-server.js';
import { inParallel } from '../support/parallel.js';
import { PATIENCE } from '../support/patience.js';
import { onMysql, onSqlite } from '../support/stores.js';
import {
  createTestDatabase,
  sqliteConnectionOf,
} from '../support/test-database.js';

let database: TestDatabase | undefined;
let dataSource: DataSource;

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await openDataSource(
    parseDatabaseConfig({
      ...PATIENCE,
      DATABASE_URL: database.url,
      DATABASE_MIGRATE: 'true',
    }),
  );
});

afterAll(async () => {
  try {
    await dataSource?.destroy();
  } finally {
    await database?.remove();
  }
});

async function differences(): Promise<string[]> {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  return upQueries.map(({ query }) => query);
}

async function tables(): Promise<string[]> {
  const runner = dataSource.createQueryRunner();
  try {
    const found = await runner.getTables(
      dataSource.entityMetadatas.map(({ tableName }) => tableName),
    );
    return found.map(({ name }) => name.split('.').at(-1)!).sort();
  } finally {
    await runner.release();
  }
}

const TABLES = [
  'chat_forks',
  'chat_message_chunks',
  'chat_messages',
  'chat_purges',
  'chat_range_purges',
  'chat_runs',
  'chat_sessions',
  'chat_usage',
  'idempotency_keys',
];

describe('migrations', () => {
  it('create the schema of the entities', async () => {
    expect(await tables()).toEqual(TABLES);
    expect(await differences()).toEqual([]);
  });

  it('are compared with the entities: a column that differs is found', async () => {
    const title = dataSource
      .getMetadata('chat_sessions')
      .findColumnWithDatabaseName('title')!;
    title.length = '256';
    try {
      expect(await differences()).not.toEqual([]);
    } finally {
      title.length = '255';
    }
  });

  it('can be undone and run again', async () => {
    for (const _ of dataSource.migrations) {
      await dataSource.undoLastMigration();
    }
    expect(await tables()).toEqual([]);
    await dataSource.runMigrations();
    expect(await tables()).toEqual(TABLES);
    expect(await differences()).toEqual([]);
  });
});

onMysql.describe('MySQL', () => {
  it('has the character sets and collations of the entities', async () => {
    const rows: { place: string; found: string }[] = await dataSource.query(`
      SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS place,
        CONCAT(CHARACTER_SET_NAME, ' ', COLLATION_NAME) AS found
      FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = DATABASE() AND COLLATION_NAME IS NOT NULL`);
    const found = new Map(rows.map((row) => [row.place, row.found]));
    for (const { tableName, columns } of dataSource.entityMetadatas) {
      for (const { databaseName, type, charset, collation } of columns) {
        if (type !== 'varchar' && type !== 'longtext') continue;
        expect(
          found.get(`${tableName}.${databaseName}`),
          `${tableName}.${databaseName}`,
        ).toBe(`${charset ?? 'utf8mb4'} ${collation ?? 'utf8mb4_unicode_ci'}`);
      }
    }
  });

  it('has InnoDB tables', async () => {
    const rows: { engine: string }[] = await dataSource.query(`
      SELECT DISTINCT ENGINE AS engine FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = DATABASE()`);
    expect(rows).toEqual([{ engine: 'InnoDB' }]);
  });

  describe.skipIf(!findMysqlServer())('with sql_mode empty and Latin-1', () => {
    it('truncates nothing and keeps every character', async () => {
      const server = await startMysqlServer();
      onTestFinished(() => server.stop());
      const administrator = await connectMysql(server.url);
      onTestFinished(() => administrator.destroy());
      await administrator.query("SET GLOBAL sql_mode = ''");
      await administrator.query('SET GLOBAL character_set_server = latin1');
      await administrator.query('CREATE DATABASE chat');
      const lax = await openDataSource(
        parseDatabaseConfig({
          ...PATIENCE,
          DATABASE_URL: `${server.url}chat`,
          DATABASE_MIGRATE: 'true',
        }),
      );
      onTestFinished(() => lax.destroy());
      const sessions = lax.getRepository(ChatSession);
      const sessionOf = (title: string) =>
        newSession('local', { title }, new Date());

      const title = FAMILY.repeat(36); // 252 characters
      const session = sessionOf(title);
      await sessions.insert(session as QueryDeepPartialEntity<ChatSession>);
      expect(await sessions.findOneByOrFail({ id: session.id })).toMatchObject({
        title,
      });
      // In parallel, so that each connection of the pool is used.
      await inParallel(8, async () => {
        const values = sessionOf('x'.repeat(256));
        const inserting = sessions.insert(
          values as QueryDeepPartialEntity<ChatSession>,
        );
        await expect(inserting).rejects.toThrow('title');
      });
      expect(await sessions.count()).toBe(1);
    });
  });
});

onSqlite.describe('SQLite', () => {
  it('has a synchronous write-ahead log and foreign keys', () => {
    const connection = sqliteConnectionOf(dataSource);
    const pragma = (name: string) => connection.pragma(name, { simple: true });
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('synchronous')).toBe(2); // FULL
    expect(pragma('foreign_keys')).toBe(1);
  });
});
