import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import { ChatSessionsClient } from '../../src/client/index.js';
import { NOBODYS_ID, type SessionList } from '../support/api.js';
import {
  compile,
  installGuide,
  readGuide,
} from '../support/embedding/applications.js';
import {
  filesOf,
  installed,
  sameClassScript,
  write,
} from '../support/embedding/packages.js';
import {
  fulfilsContract,
  losesNothing,
  RunningApplication,
} from '../support/embedding/running.js';
import { connectMysql } from '../support/mysql-connection.js';
import type { TestDatabase } from '../support/mysql-database.js';
import {
  ROOT,
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { STORE } from '../support/stores.js';
import { createTestDatabase } from '../support/test-database.js';
import { runNode } from '../support/test-service.js';
import { as, JWT_SECRET } from '../support/tokens.js';

const isMysql = STORE === 'mysql';

const SERVER_ONLY = [
  '@fastify/static',
  '@nestjs/platform-fastify',
  '@nestjs/throttler',
  'fastest-levenshtein',
  'fastify',
  'helmet',
  'jose',
  'rate-limiter-flexible',
  'uuid',
];

describe(`a platform on ${isMysql ? 'Express and MariaDB' : 'Fastify and SQLite'} that follows docs/embedding.md`, () => {
  let database: TestDatabase;
  let directory: string;
  let platform: string;
  let application: RunningApplication;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'chat-sessions-platform-'));
    platform = join(directory, 'platform');
    await installGuide(platform, readGuide(isMysql ? 'express' : 'fastify'));
    compile(platform);
    database = await createTestDatabase();
    const { url } = database;
    application = new RunningApplication(
      platform,
      isMysql ? { DATABASE_URL: url } : {},
    );
    await application.start();
  }, 900_000);

  afterAll(async () => {
    await application?.stop();
    await database?.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  it('installs code, types and nothing else', async () => {
    const files = await filesOf('nest-chat-sessions');
    const isPart = /\.d\.ts$|^shared\/.+\.js$/;
    expect(files.filter((file) => !isPart.test(file))).toEqual([
      'LICENSE',
      'LICENSE-uuid.md',
      'README.md',
      'guards.js',
      'index.js',
      'package.json',
    ]);
    expect(files).toContain('guards.d.ts');
    expect(files.filter((file) => /^(?:app|client)\//.test(file))).toEqual([]);
  });

  it('has a README whose example compiles', () => {
    const readme = readFileSync(
      join(ROOT, 'packages/module/README.md'),
      'utf8',
    );
    const [, example] = /```ts\n(.*?)```/s.exec(readme)!;
    write(platform, 'src/readme.ts', example!);
    expect(() => compile(platform, 'src/readme.ts')).not.toThrow();
  });

  it('installs no package of the service', () => {
    const adapter = isMysql ? [] : ['@nestjs/platform-fastify', 'fastify'];
    const names = SERVER_ONLY.filter((name) => !adapter.includes(name));
    expect(names.filter((name) => installed(platform).includes(name))).toEqual(
      [],
    );
  });

  it('gets the same classes from import and require()', async () => {
    const script = sameClassScript('nest-chat-sessions', 'ChatSessionsModule');
    const { stdout } = await runNode(['-e', script], {}, platform);
    expect(stdout).toBe('true\n');
  });

  fulfilsContract(() => application.url);

  losesNothing(() => application, isMysql ? () => database.url : undefined);

  it('can be called with the client', async () => {
    const client = new ChatSessionsClient({
      baseUrl: application.origin,
      prefix: '/platform',
      headers: { 'x-user-id': 'carol' },
    });
    const { chat_session } = await client.create();
    const { id } = chat_session;
    await client.append(id, { role: 'user', content: 'Hello' });
    const contents: string[] = [];
    for await (const { content } of client.messages(id)) contents.push(content);
    expect(contents).toEqual(['Hello']);
    expect((await client.history()).messages).toHaveLength(1);
    await client.clear(id);
    await client.ofSection('doc', 'sec');
    await client.delete(id);
  });

  const onMysql = () => {
    it('stores times in UTC although its own time zone is another', async () => {
      const response = await fetch(`${application.url}/chat-sessions`, {
        headers: { 'x-user-id': 'alice' },
      });
      const { chat_sessions } = (await response.json()) as SessionList;
      const { id, created_at } = chat_sessions[0]!;
      const connection = await connectMysql(database.url);
      onTestFinished(() => connection.destroy());
      const [rows] = await connection.query(
        'SELECT CAST(created_at AS CHAR) AS stored FROM chat_sessions WHERE id = ?',
        [id],
      );
      const stored = created_at.replace('T', ' ').replace('Z', '');
      expect(rows).toEqual([{ stored }]);
    });
  };
  if (isMysql) onMysql();

  it('leaves the other modules of the platform unchanged', async () => {
    const url = `${application.url}/notes`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"text": "Buy milk"}',
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ id: 1, text: 'Buy milk' });
    expect(await (await fetch(url)).json()).toEqual([
      { id: 1, text: 'Buy milk' },
    ]);
  });

  it('exits without output to stderr', async () => {
    const { exitCode, stderr } = (await application.stop())!;
    expect(stderr).toBe('');
    expect(exitCode).toBeOneOf([0, null]);
  });
});

const withGuards = () => {
  let directory: string;
  let application: RunningApplication;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'chat-sessions-platform-'));
    const platform = join(directory, 'platform');
    await installGuide(platform, readGuide('guarded'));
    compile(platform);
    application = new RunningApplication(platform, { JWT_SECRET });
    await application.start();
  }, 900_000);

  afterAll(async () => {
    await application?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
  ) {
    return fetch(application.url + path, { method, headers });
  }

  it('refuses a request without a valid token', async () => {
    const response = await send('GET', '/history');
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      error: 'No access token',
      code: 'unauthorized',
    });
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(response.headers.get('vary')).toBe('Authorization');
    const authorization = 'Bearer a.b.c';
    const other = await send('GET', '/history', { authorization });
    expect(other.status).toBe(401);
  });

  it('accepts a valid token', async () => {
    const response = await send('GET', '/history', await as('alice'));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ messages: [] });
    expect(response.headers.get('x-ratelimit-limit')).toBe('600');
  });

  it('limits the requests of each caller', async () => {
    const bob = await as('bob');
    const path = `/chat-sessions/${NOBODYS_ID}`;
    for (let i = 0; i < 120; i++) {
      expect((await send('DELETE', path, bob)).status).toBe(404);
    }
    const refused = await send('DELETE', path, bob);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toEqual({
      error: 'Too many requests',
      code: 'too_many_requests',
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const others = await send('DELETE', path, await as('alice'));
    expect(others.status).toBe(404);
  });

  it('serves a public route without a token and a limit', async () => {
    const response = await send('GET', '/version');
    expect(await response.json()).toEqual({ version: '1.0.0' });
    expect(response.headers.has('x-ratelimit-limit')).toBe(false);
  });
};
if (!isMysql) {
  describe('a platform with the guards of the service', withGuards);
}

describe('the stand-alone service', () => {
  let database: TestDatabase;
  let service: ServiceProcess;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startService({
      AUTH_MODE: 'header',
      TRUSTED_PROXIES: '127.0.0.1',
      RATE_LIMIT: '0',
      RATE_LIMIT_WRITES: '0',
      DATABASE_URL: database.url,
      DATABASE_MIGRATE: 'true',
    });
  });

  afterAll(async () => {
    await service?.stop();
    await database?.remove();
  });

  fulfilsContract(() => `${service.url}/api`);
});
