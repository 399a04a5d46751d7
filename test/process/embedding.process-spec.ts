import { mkdtempSync, rmSync } from 'node:fs';
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
import { connectMysql } from '../../src/database/mysql/connection.js';
import { NOBODYS_ID, type SessionList } from '../support/api.js';
import {
  compile,
  install,
  pack,
  readGuide,
  removeServerPackages,
  start,
} from '../support/embedding/applications.js';
import { CONTRACT } from '../support/embedding/contract.js';
import type { Exchange } from '../support/embedding/exchange.js';
import type { TestDatabase } from '../support/mysql-database.js';
import {
  listening,
  type NodeProcess,
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import { STORE } from '../support/stores.js';
import { createTestDatabase } from '../support/test-database.js';
import { runNode } from '../support/test-service.js';
import { as, JWT_SECRET } from '../support/tokens.js';

/** How often to send a request whose response may get lost. */
const ATTEMPTS = 10;

async function send(url: string, exchange: Exchange): Promise<Response> {
  const { method, path, owner = 'alice', headers, body } = exchange;
  const request = {
    method,
    headers: {
      ...(owner !== null && { 'x-user-id': owner }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetch(url + path, request);
    } catch (error) {
      // A server may refuse a body before it has read it all, and close the
      // connection. The client can then miss the response.
      if (exchange.status !== 413 || attempt === ATTEMPTS) throw error;
    }
  }
}

async function expectResponse(url: string, exchange: Exchange): Promise<void> {
  const { status, responseBody, responseHeaders = {} } = exchange;
  const response = await send(url, exchange);
  const text = await response.text();
  expect(response.status, text).toBe(status);
  if (responseBody) expect(JSON.parse(text)).toEqual(responseBody);
  expect(Object.fromEntries(response.headers)).toMatchObject(responseHeaders);
}

/** The tests of the whole contract, in its order. */
function fulfilsContract(url: () => string): void {
  it.each(CONTRACT.map((exchange) => ({ exchange, ...exchange })))(
    '$method $path: $name',
    async ({ exchange }) => {
      await expectResponse(url(), exchange);
    },
  );
}

const isMysql = STORE === 'mysql';

describe(`a platform on ${isMysql ? 'Express and MariaDB' : 'Fastify and SQLite'} that follows docs/embedding.md`, () => {
  let database: TestDatabase;
  let directory: string;
  let packed: string[];
  let application: NodeProcess;
  let origin: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'chat-sessions-platform-'));
    const { tarball, files } = await pack(directory);
    packed = files;
    const guide = readGuide(isMysql ? 'express' : 'fastify');
    const platform = join(directory, 'platform');
    await install(platform, tarball, guide);
    if (isMysql) removeServerPackages(platform);
    compile(platform);
    database = await createTestDatabase();
    const { url } = database;
    application = start(platform, isMysql ? { DATABASE_URL: url } : {});
    origin = (await listening(application)).url;
  }, 900_000);

  afterAll(async () => {
    await application?.stop();
    await database?.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  it('installs the compiled code and its types, and nothing else', () => {
    expect(packed).toContain('dist/index.js');
    expect(packed).toContain('dist/index.d.ts');
    expect(packed).toContain('dist/client/index.js');
    expect(
      packed.filter(
        (file) => !/^dist\/(?!service\/).+(?<!\.spec)\.(js|d\.ts)$/.test(file),
      ),
    ).toEqual(['LICENSE', 'README.md', 'package.json']);
  });

  it('can be loaded with require()', async () => {
    const script =
      "console.log(require('nest-chat-sessions').ChatSessionsModule)";
    const cwd = join(directory, 'platform');
    const { stdout } = await runNode(['-e', script], {}, cwd);
    expect(stdout).toMatch(/^\[class ChatSessionsModule /);
  });

  fulfilsContract(() => `${origin}/platform`);

  it('can be called with the client', async () => {
    const client = new ChatSessionsClient({
      baseUrl: origin,
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
      const response = await fetch(`${origin}/platform/chat-sessions`, {
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
    const url = `${origin}/platform/notes`;
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
    const { exitCode, stderr } = await application.stop();
    expect(stderr).toBe('');
    expect(exitCode).toBeOneOf([0, null]);
  });
});

const withGuards = () => {
  let directory: string;
  let application: NodeProcess;
  let origin: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'chat-sessions-platform-'));
    const { tarball } = await pack(directory);
    const platform = join(directory, 'platform');
    await install(platform, tarball, readGuide('guarded'));
    compile(platform);
    application = start(platform, { JWT_SECRET });
    origin = (await listening(application)).url;
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
    return fetch(`${origin}/platform${path}`, { method, headers });
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
