import Sqlite from 'better-sqlite3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { DataSource } from 'typeorm';
import { expect, it, onTestFinished, vi } from 'vitest';
import { parseDatabaseConfig } from '../../../src/app/config/parse-config.js';
import { createDataSource } from '../../../src/app/database/data-source.js';
import { sqliteMigrations } from '../../../src/chat-sessions/store/migrations/migrations.js';
import { WidenLimits1796300000000 } from '../../../src/chat-sessions/store/migrations/sqlite/1796300000000-widen-limits.js';
import { changeColumnType } from '../../../src/chat-sessions/store/migrations/sqlite/change-column-type.js';
import { onSqlite } from '../../support/stores.js';
import {
  createTestDatabase,
  sqliteConnectionOf,
  undoMigrations,
} from '../../support/test-database.js';

const WIDEN_LIMITS = 'WidenLimits1796300000000';
/** How the migration replaced the column at first, which left it behind all others. */
const FIRST_FORM = [
  'ALTER TABLE "chat_messages" ADD COLUMN "long_id" varchar(255)',
  'ALTER TABLE "chat_sessions" ADD COLUMN "new_title" varchar(255)',
  'UPDATE "chat_sessions" SET "new_title" = "title"',
  'ALTER TABLE "chat_sessions" DROP COLUMN "title"',
  'ALTER TABLE "chat_sessions" RENAME COLUMN "new_title" TO "title"',
  `INSERT INTO "migrations" ("timestamp", "name") VALUES (1796300000000, '${WIDEN_LIMITS}')`,
];
const INSERT = `INSERT INTO chat_sessions (owner_id, id, title, context_documents, config, metadata,
    pinned, archived, message_count, last_seq, max_message_bytes, last_activity_at, version, created_at, updated_at)
  VALUES ('local', ?, 'Title', '[]', '{}', '{}', 0, 0, 0, 0, 0, '', 1, '', '')`;
/** Answers each line of its input with the title and the columns that it finds. */
const OTHER_PROCESS = `
  import Sqlite from 'better-sqlite3';
  import { createInterface } from 'node:readline';
  const connection = new Sqlite(process.argv[1], { timeout: 10000 });
  const select = connection.prepare('SELECT title FROM chat_sessions');
  const insert = connection.prepare(\`${INSERT}\`);
  let inserted = 0;
  for await (const _ of createInterface(process.stdin)) {
    insert.run('other' + ++inserted);
    const type = connection.prepare("SELECT type FROM pragma_table_info('chat_sessions') WHERE name = 'title'").pluck().get();
    console.log(JSON.stringify([select.pluck().get(), type]));
  }`;

/** A data source on a file that knows only the first migrations, which have run. */
async function open(url: string, count = sqliteMigrations.length) {
  const config = parseDatabaseConfig({ DATABASE_URL: url });
  const dataSource = await createDataSource(config);
  const migrations = sqliteMigrations.slice(0, count);
  await dataSource.setOptions({ migrations }).initialize();
  await dataSource.runMigrations();
  return dataSource;
}

/** A file with a session, migrated as far as before the wider limits. */
async function fileBefore(): Promise<string> {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  const index = sqliteMigrations.findIndex(
    (Migration) => new Migration().name === WIDEN_LIMITS,
  );
  const before = await open(database.url, index);
  sqliteConnectionOf(before).prepare(INSERT).run('first');
  await before.destroy();
  return database.url;
}

async function openUntilTheEnd(url: string): Promise<DataSource> {
  const dataSource = await open(url);
  onTestFinished(() => dataSource.destroy());
  return dataSource;
}

function typeOfTitle(connection: Sqlite.Database): unknown {
  return connection
    .prepare(
      "SELECT type FROM pragma_table_info('chat_sessions') WHERE name = 'title'",
    )
    .pluck()
    .get();
}

async function expectSchemaOfEntities(dataSource: DataSource) {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  expect(upQueries).toEqual([]);
  const connection = sqliteConnectionOf(dataSource);
  expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
  expect(typeOfTitle(connection)).toBe('varchar(255)');
  expect(connection.prepare('SELECT title FROM chat_sessions').all()).toEqual([
    { title: 'Title' },
  ]);
}

onSqlite.describe('the declaration of the title', () => {
  it('becomes wider, and narrower on a revert, without a change of a row', async () => {
    const url = await fileBefore();
    const other = new Sqlite(url.slice('sqlite:'.length));
    onTestFinished(() => void other.close());
    other.exec(
      `CREATE TRIGGER no_update BEFORE UPDATE ON chat_sessions
       BEGIN SELECT RAISE(ABORT, 'a row was changed'); END`,
    );
    const dataSource = await openUntilTheEnd(url);
    await expectSchemaOfEntities(dataSource);
    await undoMigrations(dataSource, 'WidenLimits');
    expect(typeOfTitle(other)).toBe('varchar(200)');
    await dataSource.runMigrations();
    await expectSchemaOfEntities(dataSource);
  });

  it('is that of the entities after the first form of the migration, too, which can be reverted', async () => {
    const url = await fileBefore();
    const first = new Sqlite(url.slice('sqlite:'.length));
    for (const statement of FIRST_FORM) first.exec(statement);
    first.close();
    const dataSource = await openUntilTheEnd(url);
    await expectSchemaOfEntities(dataSource);
    await undoMigrations(dataSource, 'WidenLimits');
    expect(typeOfTitle(sqliteConnectionOf(dataSource))).toBe('varchar(200)');
    await dataSource.runMigrations();
    await expectSchemaOfEntities(dataSource);
  });

  it('is seen by other connections and processes, which go on', async () => {
    const url = await fileBefore();
    const file = url.slice('sqlite:'.length);
    const other = new Sqlite(file);
    onTestFinished(() => void other.close());
    const select = other.prepare('SELECT title FROM chat_sessions').pluck();
    const insert = other.prepare(INSERT);
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', OTHER_PROCESS, file],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    onTestFinished(() => void child.kill());
    const ask = async () => {
      child.stdin.write('\n');
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      return JSON.parse(line.toString()) as unknown;
    };
    expect(await ask()).toEqual(['Title', 'varchar(200)']);
    expect(select.get()).toBe('Title');
    const dataSource = await openUntilTheEnd(url);
    expect(await ask()).toEqual(['Title', 'varchar(255)']);
    expect(select.get()).toBe('Title');
    insert.run('second');
    expect(typeOfTitle(other)).toBe('varchar(255)');
    const count = await dataSource.query(
      'SELECT COUNT(*) AS count FROM chat_sessions',
    );
    expect(count).toEqual([{ count: 4 }]);
  });

  it('is reverted beside writers: the file is locked before it is read', async () => {
    const url = await fileBefore();
    const dataSource = await openUntilTheEnd(url);
    const other = new Sqlite(url.slice('sqlite:'.length), { timeout: 0 });
    onTestFinished(() => void other.close());
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    const query = runner.query.bind(runner);
    let attempts = 0;
    const spy = vi.spyOn(runner, 'query').mockImplementation(async (sql) => {
      const result: unknown = await query(sql);
      if (!sql.startsWith('SELECT')) return result;
      const write = () => other.prepare(INSERT).run(`other${++attempts}`);
      expect(write).toThrow('database is locked');
      return result;
    });
    await new WidenLimits1796300000000().down(runner);
    spy.mockRestore();
    await runner.commitTransaction();
    expect(attempts).toBe(2);
    expect(typeOfTitle(other)).toBe('varchar(200)');
  });

  it('stays as it is if it is not what a migration expects', async () => {
    const dataSource = await openUntilTheEnd(await fileBefore());
    const runner = dataSource.createQueryRunner();
    const change = { table: 'chat_sessions', column: 'title' };
    for (const [from, to] of [
      ['text', 'longtext'],
      ['varchar(255)', ')'],
      ['varchar(255)', 'varchar('],
    ] as const) {
      await expect(
        changeColumnType(runner, { ...change, from, to }),
      ).rejects.toThrow(
        `The column title of chat_sessions cannot be changed from ${from} to ${to}`,
      );
    }
    await expectSchemaOfEntities(dataSource);
    await expect(
      dataSource.query("UPDATE sqlite_schema SET sql = ''"),
    ).rejects.toThrow('table sqlite_master may not be modified');
  });
});
