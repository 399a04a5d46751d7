import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { expect, it, onTestFinished } from 'vitest';
import { parseDatabaseConfig } from '../../src/app/config/parse-config.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { PATIENCE } from '../support/patience.js';
import { ROOT } from '../support/service-process.js';
import { perStore } from '../support/stores.js';
import { createTestDatabase } from '../support/test-database.js';
import { runNode } from '../support/test-service.js';

const KILLER = join(ROOT, 'test/support/faults/kill-after-statement.ts');
const MIGRATE = join(ROOT, 'dist/migrate.js');

async function emptyDatabase(): Promise<string> {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  return database.url;
}

const definitionsOf = perStore({
  sqlite: (dataSource: DataSource) =>
    dataSource.query('SELECT type, name, sql FROM sqlite_master ORDER BY name'),
  mysql: async (dataSource: DataSource) => {
    const tables = await dataSource.query<object[]>('SHOW TABLES');
    const definitions: string[] = [];
    for (const name of tables.flatMap(
      (row) => Object.values(row) as string[],
    )) {
      const [table] = await dataSource.query<{ 'Create Table': string }[]>(
        `SHOW CREATE TABLE ${name}`,
      );
      // A number that was given and rolled back is not given again.
      const definition = table!['Create Table'];
      definitions.push(definition.replace(/ AUTO_INCREMENT=\d+/, ''));
    }
    return definitions;
  },
});

/** Runs the pending migrations; resolves to the schema, and the names of all migrations that have run. */
async function migrate(url: string) {
  const dataSource = await openDataSource(
    parseDatabaseConfig({
      ...PATIENCE,
      DATABASE_URL: url,
      DATABASE_MIGRATE: 'true',
    }),
  );
  try {
    const definitions = await definitionsOf(dataSource);
    const done = await dataSource.query<{ name: string }[]>(
      'SELECT name FROM migrations ORDER BY id',
    );
    return { definitions, done: done.map(({ name }) => name) };
  } finally {
    await dataSource.destroy();
  }
}

it('a migration that is killed between any two statements can run again, with the same schema', async () => {
  const whole = await migrate(await emptyDatabase());
  let kills = 0;
  for (; ; kills++) {
    const url = await emptyDatabase();
    const ending = await runNode(
      ['--import', 'tsx', '--import', KILLER, MIGRATE],
      { DATABASE_URL: url, KILL_AFTER: String(kills) },
    );
    expect(await migrate(url)).toEqual(whole);
    if (ending.exitCode === 0) break;
    // SIGKILL
    expect(ending).toMatchObject({ exitCode: null, stderr: '' });
  }
  expect(kills).toBeGreaterThan(8);
});
