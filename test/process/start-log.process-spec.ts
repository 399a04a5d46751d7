import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { startProd } from '../support/service-process.js';
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

it('goes on if nobody reads its log any more', async () => {
  const child = spawn(process.execPath, startProd(), {
    cwd: temporaryDirectory(),
    env: { PORT: '0', DRAIN_MS: '60000' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stdout.setEncoding('utf8');
  for await (const text of child.stdout.iterator({ destroyOnReturn: true })) {
    log += text as string;
    if (log.includes('Listening on')) break;
  }
  child.stderr.destroy();
  const [, url] = /Listening on (http:[^;]+);/.exec(log)!;
  // It logs the signal.
  child.kill('SIGTERM');
  for (let i = 0; i < 20; i++) {
    expect((await fetch(`${url}/api/history`)).status).toBe(200);
  }
  child.kill('SIGKILL');
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
});
