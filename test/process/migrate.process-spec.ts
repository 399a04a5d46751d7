import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseDatabaseConfig } from '../../src/app/config/parse-config.js';
import { createDataSource } from '../../src/app/database/data-source.js';
import { failToStart, ROOT } from '../support/service-process.js';
import { createTestDatabase } from '../support/test-database.js';
import { runNode, startTestService } from '../support/test-service.js';

const MIGRATE = join(ROOT, 'dist/migrate.js');
const TYPEORM = ['--import', 'tsx', 'node_modules/typeorm/cli.js'];

let url: string;

beforeEach(async () => {
  const database = await createTestDatabase();
  url = database.url;
  return () => database.remove();
});

/** The names of all migrations, and of those that the database has recorded. */
async function migrations(): Promise<{ known: unknown[]; done: unknown[] }> {
  const dataSource = await createDataSource(
    parseDatabaseConfig({ DATABASE_URL: url }),
  );
  await dataSource.initialize();
  try {
    const rows = await dataSource.query<{ name: string }[]>(
      'SELECT name FROM migrations ORDER BY id',
    );
    return {
      known: dataSource.migrations.map(({ constructor }) => constructor.name),
      done: rows.map(({ name }) => name),
    };
  } finally {
    await dataSource.destroy();
  }
}

describe('a service on a database without migrations', () => {
  it('does not start and says what to do', async () => {
    const { exitCode, stderr } = await failToStart({ DATABASE_URL: url });
    expect(stderr).toMatch(/^Chat Sessions: [^\n]+\n$/);
    expect(stderr).toContain('npm run migration:run');
    expect(exitCode).toBe(1);
  });

  it('migrates it with DATABASE_MIGRATE=true, once if four start together', async () => {
    const environment = { DATABASE_URL: url, DATABASE_MIGRATE: 'true' };
    const services = await Promise.all(
      Array.from({ length: 4 }, () => startTestService(environment)),
    );
    for (const service of services) {
      const response = await fetch(`${service.url}/api/chat-sessions`);
      expect(response.status).toBe(200);
    }
    const { known, done } = await migrations();
    expect(done).toEqual(known);
  });
});

describe('npm run migration:run', () => {
  it('migrates, and can run again', async () => {
    for (const _time of ['first', 'second']) {
      const ending = await runNode([MIGRATE], { DATABASE_URL: url });
      expect(ending).toMatchObject({ exitCode: 0, stderr: '' });
    }
    const { known, done } = await migrations();
    expect(done).toEqual(known);
    const service = await startTestService({ DATABASE_URL: url });
    expect((await service.stop()).exitCode).toBe(0);
  });
});

describe('npm run typeorm -- migration:show', () => {
  it('shows which migrations have run', async () => {
    const show = [...TYPEORM, '-d', 'ormconfig.ts', 'migration:show'];
    const before = await runNode(show, { DATABASE_URL: url });
    expect(before.stdout).toMatch(/\[ \] .*CreateTables\d+/);
    expect(before.exitCode).toBe(0);

    await runNode([MIGRATE], { DATABASE_URL: url });
    const after = await runNode(show, { DATABASE_URL: url });
    expect(after.stdout).toMatch(/\[X\] .*CreateTables\d+/);
    expect(after.stdout).not.toContain('[ ]');
    expect(after.exitCode).toBe(0);
  });
});
