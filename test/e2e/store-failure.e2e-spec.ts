import { Controller, Get, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import {
  FastifyAdapter,
  type NestFastifyApplication,
} from '@nestjs/platform-fastify';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import { ChatSessionsExceptionsFilter } from '../../src/http/exception.filter.js';
import {
  type ApiRequest,
  apiRequests,
  SECRET,
} from '../support/api-requests.js';
import {
  append,
  createSession,
  errorBody,
  failureBody,
  getSession,
  hasFixedFailures,
} from '../support/api.js';
import { connectMysql } from '../support/mysql-connection.js';
import { createMysqlDatabase } from '../support/mysql-database.js';
import {
  findMysqlServer,
  type MysqlServer,
  startMysqlServer,
} from '../support/mysql-server.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { onMysql, onSqlite } from '../support/stores.js';
import {
  type TestApp,
  type TestResponse,
  useTestApp,
} from '../support/test-app.js';
import { sqliteConnectionOf } from '../support/test-database.js';

const SESSION_ID = '01938f5e-0000-7000-8000-000000000001';
const MESSAGE = { id: 'mine', role: 'user', content: SECRET };
const REQUESTS = apiRequests(SESSION_ID, MESSAGE.id);

function send(
  api: TestApp,
  { method, path, body }: ApiRequest,
): Promise<TestResponse> {
  return api.send(method, path, body);
}

/** The session and the message of the requests. */
async function createSubject(api: TestApp): Promise<void> {
  await createSession(api, { id: SESSION_ID });
  await append(api, SESSION_ID, MESSAGE);
}

interface Failure {
  status: number;
  retryAfter?: string;
  body: object;
}

/** The response has the text of the route and nothing else. */
function unforeseen({ route, failure }: ApiRequest): Failure {
  return { status: 500, body: failureBody(route, failure) };
}

function unreachable(request: ApiRequest): Failure {
  if (hasFixedFailures(request.route)) return unforeseen(request);
  const text = 'The store cannot be reached: nothing was written';
  return {
    status: 503,
    retryAfter: '1',
    body: errorBody(text, 'store_unreachable'),
  };
}

/** The log has the cause. */
function expectFailure(
  api: TestApp,
  { request, response }: { request: ApiRequest; response: TestResponse },
  { status, retryAfter, body }: Failure,
) {
  expect(response.status).toBe(status);
  expect(response.headers['retry-after']).toBe(retryAfter);
  expect(response.body).toEqual(body);
  const request_id = response.headers['x-request-id'];
  const entries = api.logger.errors as { request_id?: string }[];
  expect(entries.filter((entry) => entry.request_id === request_id)).toEqual([
    {
      message: 'Request failed',
      status,
      route: `${request.method} ${request.path}`,
      request_id,
      error: expect.stringMatching(/Error: .+\n +at /) as string,
    },
  ]);
}

function describeWithoutStore(
  api: TestApp,
  failureOf: (request: ApiRequest) => Failure,
) {
  it.each(
    REQUESTS.map((request) => {
      const failure = failureOf(request);
      return [request.route, failure.status, request, failure] as const;
    }),
  )('%s answers %i', async (_, _status, request, failure) => {
    const response = await send(api, request);
    expectFailure(api, { request, response }, failure);
  });

  it('tests every route that needs the store', () => {
    const others = /^HEAD | \/health\/| \/api\/docs\//;
    const routes = api.routes.filter((route) => !others.test(route));
    const asked = REQUESTS.map(({ route }) => route);
    expect(asked.toSorted()).toEqual(routes.toSorted());
  });

  it('GET /health/ready answers 503', async () => {
    const response = await api.send('GET', '/health/ready');
    expect(response.status).toBe(503);
    expect(response.body).toEqual(errorBody('Service Unavailable'));
  });

  it('GET /health/live answers 200', async () => {
    expect((await api.send('GET', '/health/live')).status).toBe(200);
  });

  it('logs no SQL and no part of the requests', () => {
    const log = api.logger.errors.map((entry) => JSON.stringify(entry));
    expect(log.length).toBeGreaterThanOrEqual(REQUESTS.length);
    for (const entry of log) {
      expect(entry).not.toContain(SECRET);
      expect(entry).not.toMatch(
        /SELECT |INSERT |UPDATE |DELETE FROM|START TRANS/,
      );
    }
  });
}

onSqlite.describe('when the database is closed', () => {
  const api = useTestApp();

  beforeAll(async () => {
    await createSubject(api);
    sqliteConnectionOf(api.dataSource).close();
  });

  describeWithoutStore(api, unforeseen);
});

onSqlite.describe('when the file cannot grow', () => {
  const api = useTestApp();
  const large = { role: 'user', content: 'x'.repeat(100_000) };

  it('writes get 503 and the service is not ready until it can', async () => {
    const { id } = await createSession(api, {}, 1);
    const ready = async () => (await api.send('GET', '/health/ready')).status;
    const connection = sqliteConnectionOf(api.dataSource);
    const pages = connection.pragma('page_count', { simple: true });
    connection.pragma(`max_page_count = ${String(pages)}`);
    const { status, body } = await append(api, id, large);
    expect({ status, body }).toMatchObject({
      status: 503,
      body: { code: 'store_unusable' },
    });
    expect(await ready()).toBe(503);
    expect((await getSession(api, id)).messages).toHaveLength(1);
    expect(api.logger.errors).toContainEqual(
      expect.stringMatching(/cannot be used: database or disk is full$/),
    );

    connection.pragma('max_page_count = 1000000');
    expect(await ready()).toBe(200);
    expect((await append(api, id, large)).status).toBe(201);
    expect((await getSession(api, id)).messages).toHaveLength(2);
  });
});

function describeWithKilledServer() {
  let server: MysqlServer;
  afterAll(() => server?.stop());
  const api = useTestApp({
    createDatabase: async () => {
      server = await startMysqlServer({ durable: true });
      const { url } = await createMysqlDatabase(server.url);
      return { url, remove: async () => undefined };
    },
  });

  it('answers requests in flight, and those that wait for a connection', async () => {
    await createSubject(api);
    const stranger = await connectMysql(api.database.url);
    onTestFinished(() => stranger.destroy());
    await stranger.query(
      'LOCK TABLES chat_sessions WRITE, chat_messages WRITE, chat_runs WRITE, chat_usage WRITE',
    );
    const inFlight = [...REQUESTS, ...REQUESTS, ...REQUESTS].map(
      async (request) => ({ request, response: await send(api, request) }),
    );
    const waiting = async () => {
      const [rows] = await stranger.query('SHOW PROCESSLIST');
      return (rows as { State: string | null }[]).filter(({ State }) =>
        State?.startsWith('Waiting for table'),
      );
    };
    // One of the twenty connections is kept for the readiness check.
    await expect.poll(waiting, { timeout: 25_000 }).toHaveLength(19);
    await server.kill();
    for (const exchange of await Promise.all(inFlight)) {
      expectFailure(api, exchange, unreachable(exchange.request));
    }
    expect(JSON.stringify(api.logger.errors)).toMatch(
      /Error: connect ECONNREFUSED/,
    );
  });

  describeWithoutStore(api, unreachable);

  it('requests succeed after a restart of the server, without one of the service', async () => {
    await server.restart();
    const readiness = async () =>
      (await api.send('GET', '/health/ready')).status;
    await expect.poll(readiness, { timeout: 60_000 }).toBe(200);
    for (const request of REQUESTS) {
      const { status } = await send(api, request);
      expect(status, request.route).toBeOneOf([200, 201, 204]);
    }
  });
}

describe('an unexpected error on a route without a text of its own', () => {
  let app: NestFastifyApplication;
  const logger = new RecordingLogger();

  @Controller()
  class ThrowingController {
    @Get('throw')
    throw(): never {
      throw new Error('Unforeseen', { cause: new TypeError('the cause') });
    }
  }

  beforeAll(async () => {
    @Module({
      controllers: [ThrowingController],
      providers: [
        { provide: APP_FILTER, useClass: ChatSessionsExceptionsFilter },
      ],
    })
    class ThrowingModule {}
    app = await NestFactory.create<NestFastifyApplication>(
      ThrowingModule,
      new FastifyAdapter(),
      { logger },
    );
    await app.init();
  });
  afterAll(() => app.close());

  it('gets 500 Internal server error', async () => {
    const response = await app.inject('/throw?secret');
    expect(response.statusCode).toBe(500);
    expect(response.json()).toEqual(errorBody('Internal server error'));
    expect(logger.errors).toEqual([
      {
        message: 'Request failed',
        status: 500,
        route: 'GET /throw',
        request_id: 'req-1',
        error: expect.stringMatching(
          /^Error: Unforeseen\n +at [^]+\nCaused by: TypeError: the cause\n +at /,
        ) as string,
      },
    ]);
  });
});

onMysql.describe('when the server is killed', () => {
  describe.skipIf(!findMysqlServer())(
    'a private server',
    describeWithKilledServer,
  );
});
