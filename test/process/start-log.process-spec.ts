import { expect, it, onTestFinished } from 'vitest';
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

it('warns about a variable that looks like a misspelt setting', async () => {
  const { process } = await startTestService({ CORS_ORIGIN: '*' });
  expect(process.stdout).toContain(
    '"CORS_ORIGIN is not a setting: did you mean CORS_ORIGINS?"',
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
