import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ChatSessionsClient } from '../../src/client/index.js';
import { connectMysql } from '../../src/database/mysql/connection.js';
import { NOBODYS_ID, type SessionList } from '../support/api.js';
import {
  compile,
  install,
  pack,
  readGuide,
  start,
  withoutServer,
} from '../support/embedding/applications.js';
import { CONTRACT } from '../support/embedding/contract.js';
import type { Exchange } from '../support/embedding/exchange.js';
import {
  NodeProcess,
  type ServiceProcess,
  startService,
} from '../support/service-process.js';
import {
  createTestDatabase,
  type TestDatabase,
} from '../support/test-database.js';
import { as, JWT_SECRET } from '../support/tokens.js';

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
  for (;;) {
    try {
      return await fetch(url + path, request);
    } catch (error) {
      // A server may refuse too large a body before it has read it, and close; the answer can be lost then.
      if (exchange.status !== 413) throw error;
    }
  }
}

async function expectAnswer(url: string, exchange: Exchange): Promise<void> {
  const answer = await send(url, exchange);
  const text = await answer.text();
  expect(answer.status, text).toBe(exchange.status);
  if (exchange.answer) expect(JSON.parse(text)).toEqual(exchange.answer);
  const { answerHeaders = {} } = exchange;
  expect(Object.fromEntries(answer.headers)).toMatchObject(answerHeaders);
}

/** All of the contract, in order. */
function holdsTo(url: () => string): void {
  it.each(CONTRACT.map((exchange) => ({ exchange, ...exchange })))(
    '$method $path: $name',
    async ({ exchange }) => {
      await expectAnswer(url(), exchange);
    },
  );
}

const isMysql = inject('store') === 'mysql';

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
    if (isMysql) withoutServer(platform);
    compile(platform);
    database = await createTestDatabase();
    const { url } = database;
    application = start(platform, isMysql ? { DATABASE_URL: url } : {});
    const [, found] = await application.waitFor(/Listening on (http:\S+)/);
    origin = found!;
  }, 300_000);

  afterAll(async () => {
    await application?.stop();
    await database?.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  it('installs what runs and its types, and nothing else', () => {
    expect(packed).toContain('dist/index.js');
    expect(packed).toContain('dist/index.d.ts');
    expect(packed).toContain('dist/client/index.js');
    expect(
      packed.filter(
        (file) => !/^dist\/(?!service\/).+(?<!\.spec)\.(js|d\.ts)$/.test(file),
      ),
    ).toEqual(['LICENSE', 'README.md', 'package.json']);
  });

  it('can be required, too', async () => {
    const script =
      "console.log(require('nest-chat-sessions').ChatSessionsModule)";
    const cwd = join(directory, 'platform');
    const { stdout } = await new NodeProcess(['-e', script], {}, cwd).ended;
    expect(stdout).toMatch(/^\[class ChatSessionsModule /);
  });

  holdsTo(() => `${origin}/platform`);

  it('is called by the client', async () => {
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
    it('stores times as UTC, in whatever time zone it runs', async () => {
      const answer = await fetch(`${origin}/platform/chat-sessions`, {
        headers: { 'x-user-id': 'alice' },
      });
      const { chat_sessions } = (await answer.json()) as SessionList;
      const { id, created_at } = chat_sessions[0]!;
      const connection = await connectMysql(database.url);
      const [rows] = await connection.query(
        'SELECT CAST(created_at AS CHAR) AS stored FROM chat_sessions WHERE id = ?',
        [id],
      );
      await connection.end();
      const stored = created_at.replace('T', ' ').replace('Z', '');
      expect(rows).toEqual([{ stored }]);
    });
  };
  if (isMysql) onMysql();

  it('has its other modules as they were', async () => {
    const url = `${origin}/platform/notes`;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"text": "Buy milk"}',
    });
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual({ id: 1, text: 'Buy milk' });
    expect(await (await fetch(url)).json()).toEqual([
      { id: 1, text: 'Buy milk' },
    ]);
  });

  it('ends without a word', async () => {
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
    const [, found] = await application.waitFor(/Listening on (http:\S+)/);
    origin = found!;
  }, 300_000);

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

  it('lets nobody in without a token', async () => {
    const answer = await send('GET', '/history');
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({
      error: 'No access token',
      code: 'unauthorized',
    });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.headers.get('vary')).toBe('Authorization');
    const authorization = 'Bearer a.b.c';
    const other = await send('GET', '/history', { authorization });
    expect(other.status).toBe(401);
  });

  it('lets in who has one', async () => {
    const answer = await send('GET', '/history', await as('alice'));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ messages: [] });
    expect(answer.headers.get('x-ratelimit-limit')).toBe('600');
  });

  it('counts the requests of a caller', async () => {
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

  it('leaves a public route to everybody, uncounted', async () => {
    const answer = await send('GET', '/version');
    expect(await answer.json()).toEqual({ version: '1.0.0' });
    expect(answer.headers.has('x-ratelimit-limit')).toBe(false);
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
    await database.remove();
  });

  holdsTo(() => `${service.url}/api`);
});
