import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  mysqlMigrations,
  sqliteMigrations,
} from '../../src/chat-sessions/store/migrations/migrations.js';
import { connectMysql } from '../support/mysql-connection.js';
import { ROOT } from '../support/service-process.js';
import { onMysql, perStore } from '../support/stores.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { createTestDatabase } from '../support/test-database.js';
import { runNode, startTestService } from '../support/test-service.js';

it('says which store it uses, without the password', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  const { process } = await startTestService({
    DATABASE_URL: database.url,
    DATABASE_MIGRATE: 'true',
  });
  const [, where] = database.url.split(/^sqlite:|\/\/.*@/);
  expect(process.stdout).toMatch(
    new RegExp(`"Store: (SQLite in the file |mysql://)${where}"`),
  );
});

it('npm run migration:run says which migrations it ran, and on which store', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.remove());
  const migrate = () =>
    runNode(['dist/migrate.js'], { DATABASE_URL: database.url });
  const where = perStore({
    sqlite: `SQLite in the file ${database.url.replace('sqlite:', '')}`,
    mysql: database.url.replace(/\/\/.*@/, '//'),
  });
  const names = perStore({
    sqlite: sqliteMigrations,
    mysql: mysqlMigrations,
  }).map(({ name }) => `Ran the migration ${name}\n`);
  expect(await migrate()).toEqual({
    exitCode: 0,
    stdout: `${names.join('')}The schema is up to date: ${where}\n`,
    stderr: '',
  });
  expect(await migrate()).toEqual({
    exitCode: 0,
    stdout: `No migration was pending\nThe schema is up to date: ${where}\n`,
    stderr: '',
  });
});

onMysql.describe('a password with special characters', () => {
  const PASSWORD = 'p@ss/w:rd#?&%20"\'ä';

  it('is in no log', async () => {
    const database = await createTestDatabase();
    const server = await connectMysql(database.url);
    const account = `'odd-${randomInt(1e9)}'@'%'`;
    onTestFinished(async () => {
      await server.query(`DROP USER IF EXISTS ${account}`);
      await server.end();
      await database.remove();
    });
    await server.query(`CREATE USER ${account} IDENTIFIED BY ?`, [PASSWORD]);
    const { pathname, host } = new URL(database.url);
    await server.query(`GRANT ALL ON ${pathname.slice(1)}.* TO ${account}`);
    const [, user] = /'(.*?)'/.exec(account)!;
    const secret = encodeURIComponent(PASSWORD);
    const DATABASE_URL = `mysql://${user}:${secret}@${host}${pathname}`;
    const migrated = await runNode(['dist/migrate.js'], { DATABASE_URL });
    expect(migrated.exitCode).toBe(0);
    const service = await startTestService({
      DATABASE_URL,
      LOG_LEVEL: 'verbose',
    });
    const { stdout, stderr } = await service.stop();
    const log = [migrated.stdout, migrated.stderr, stdout, stderr].join('');
    expect(log).toContain(`mysql://${host}${pathname}`);
    expect(log).not.toContain(PASSWORD);
    expect(log).not.toContain(secret);
  });
});

it('warns about a variable that looks like a misspelt setting', async () => {
  const { process } = await startTestService({ CORS_ORIGIN: '*' });
  expect(process.stdout).toContain(
    '"CORS_ORIGIN is not a setting: did you mean CORS_ORIGINS?"',
  );
  const migrated = await runNode(
    [join(ROOT, 'dist/migrate.js')],
    { DATABSE_URL: 'mysql://db/chat' },
    temporaryDirectory(),
  );
  expect(migrated.stderr).toBe(
    'Chat Sessions: DATABSE_URL is not a setting: did you mean DATABASE_URL?\n',
  );
});

it.each(['dist/main.js', 'dist/migrate.js'])(
  'in production the embedded store must be named: %s',
  async (program) => {
    const ending = await runNode([program], {
      NODE_ENV: 'production',
      AUTH_MODE: 'none',
      DATABSE_URL: 'mysql://db/chat',
    });
    expect(ending).toMatchObject({
      exitCode: 1,
      stderr:
        'Chat Sessions: Invalid configuration: DATABASE_URL must be set with NODE_ENV=production; the embedded store is sqlite:data/chat-sessions.sqlite\n',
    });
  },
);
