import type { DynamicModule } from '@nestjs/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  allowLongtext,
  chatSessionsEntities,
  type ChatSessionsOptions,
} from '../../src/index.js';
import {
  create,
  dataSourceOn,
  dataSourceWith,
  isMysql,
  Note,
  platform,
  usableDataSource,
} from '../support/embedding/platform.js';
import type { TestDatabase } from '../support/mysql-database.js';
import {
  createTestDatabase,
  useTestDatabase,
} from '../support/test-database.js';

const database = useTestDatabase();

describe('a start is refused, with one line,', () => {
  async function refusal(module: () => DynamicModule): Promise<string> {
    try {
      const app = await create(module());
      await app.close();
    } catch (error) {
      return (error as Error).message;
    }
    return 'It was not refused';
  }

  /** Another place than that of the other tests. */
  async function emptyDatabase(): Promise<TestDatabase> {
    const empty = await createTestDatabase();
    onTestFinished(() => empty.remove());
    return empty;
  }

  it('on options that are wrong', async () => {
    const options = {
      owner: 'alice' as unknown as ChatSessionsOptions['owner'],
      deadlineMs: 0,
      cache: 'sometimes' as 'off',
    };
    expect(
      await refusal(() => platform(usableDataSource(database), options)),
    ).toBe(
      'Options of Chat Sessions: owner must be a function of the request; deadlineMs must not be less than 100; cache must be one of the following values: validated, exclusive, off',
    );
  });

  it('on options that there are not', async () => {
    const options = { deadlineMS: 500 } as object;
    expect(
      await refusal(() => platform(usableDataSource(database), options)),
    ).toBe('Options of Chat Sessions: property deadlineMS should not exist');
  });

  it('on a data source without the tables', async () => {
    const dataSource = dataSourceOn(await emptyDatabase(), {
      migrationsRun: false,
    });
    if (!isMysql) allowLongtext(dataSource);
    const message = await refusal(() => platform(dataSource));
    expect(message).toMatch(
      /^Chat Sessions cannot use the data source "default": .*chat_sessions.*: have its migrations run\?$/,
    );
  });

  const onSqlite = () => {
    it('on SQLite on a data source of others', async () => {
      const dataSource = dataSourceOn(await emptyDatabase(), {
        entities: [Note, ...chatSessionsEntities],
      });
      allowLongtext(dataSource);
      expect(await refusal(() => platform(dataSource))).toBe(
        'Chat Sessions cannot use the data source "default": on SQLite it must be one of its own, but it has the entities Note, too',
      );
    });
  };

  const onMysql = () => {
    it.each([
      [{ charset: 'latin1' }, 'charset must be utf8mb4'],
      [
        { dateStrings: true },
        'times must come as Date: without dateStrings, and without a typeCast that changes them',
      ],
    ])('on connections with %j', async (more, reason) => {
      expect(await refusal(() => platform(dataSourceOn(database, more)))).toBe(
        `Chat Sessions cannot use the data source "default": ${reason}`,
      );
    });

    it.each([
      [
        "sql_mode = 'NO_BACKSLASH_ESCAPES'",
        'sql_mode must have STRICT_TRANS_TABLES; sql_mode must not have NO_BACKSLASH_ESCAPES',
      ],
      ['autocommit = 0', 'autocommit must be on'],
      ["completion_type = 'CHAIN'", 'completion_type must be NO_CHAIN'],
      ['foreign_key_checks = 0', 'foreign_key_checks must be on'],
      ['unique_checks = 0', 'unique_checks must be on'],
      ['SESSION TRANSACTION READ ONLY', 'transaction_read_only must be off'],
      ['sql_safe_updates = 1', 'sql_safe_updates must be off'],
      ['sql_select_limit = 10', 'sql_select_limit must have its default'],
      [
        'SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED',
        'the transaction isolation must not be READ-UNCOMMITTED',
      ],
    ])('on connections that begin with SET %s', async (setting, reason) => {
      const dataSource = dataSourceWith(setting, database);
      expect(await refusal(() => platform(dataSource))).toBe(
        `Chat Sessions cannot use the data source "default": ${reason}`,
      );
      // Without autocommit its transaction would hold locks.
      await dataSource.destroy();
    });
  };

  if (isMysql) onMysql();
  else onSqlite();
});
