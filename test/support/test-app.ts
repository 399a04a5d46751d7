import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { parseConfig } from '../../src/app/config/parse-config.js';
import { createApp } from '../../src/app/create-app.js';
import { openDataSource } from '../../src/app/database/data-source.js';
import { createOpenApiDocument } from '../../src/app/openapi/document.js';
import { BackgroundTask } from '../../src/chat-sessions/writes/background-task.js';
import { Database } from '../../src/database/database.js';
import {
  type Statement,
  type StatementResult,
  type UnitOfWork,
  withSteps,
} from '../../src/database/unit-of-work.js';
import type { TestDatabase } from './mysql-database.js';
import { OpenApiContract } from './openapi-contract.js';
import { PATIENCE } from './patience.js';
import { RecordingLogger } from './recording-logger.js';
import { createTestDatabase } from './test-database.js';

export interface TestResponse<Body = unknown> {
  status: number;
  headers: Record<string, string | undefined>;
  /** Parsed JSON; undefined if the response is not JSON. */
  body: Body;
  text: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface TestAppOptions {
  /** Default: a database on the store of this run. */
  createDatabase?: () => Promise<TestDatabase>;
  /** Settings of the service. By default all requests have one owner, and nothing is limited. */
  environment?: Record<string, string>;
  /** Whether background tasks start by themselves, after a random pause. By default they only run when woken. */
  startBackgroundTasks?: boolean;
}

/**
 * The real application on a database of its own. It checks every response
 * against the OpenAPI document.
 */
export class TestApp {
  readonly logger = new RecordingLogger();
  /** Responses that the OpenAPI document does not allow, and statements of `Database.read` that are no SELECT. */
  readonly violations: string[] = [];
  /** All routes of the server, as `GET /api/history`. */
  readonly routes: string[] = [];
  app: NestFastifyApplication;
  dataSource: DataSource;
  database: TestDatabase;

  constructor(private readonly options: TestAppOptions) {}

  async start(): Promise<this> {
    const { createDatabase = createTestDatabase, environment } = this.options;
    this.database = await createDatabase();
    const config = parseConfig({
      DATABASE_URL: this.database.url,
      DATABASE_MIGRATE: 'true',
      ...PATIENCE,
      ...environment,
    });
    this.dataSource = await openDataSource(config);
    this.app = await createApp(config, this.dataSource, this.logger);
    this.watchReads();
    const contract = new OpenApiContract(createOpenApiDocument(this.app));
    const server = this.app.getHttpAdapter().getInstance();
    server.addHook('onSend', (request, reply, payload, done) => {
      const violation = contract.violation({
        method: request.method,
        route: request.routeOptions.url ?? '',
        status: reply.statusCode,
        body:
          typeof payload === 'string' || Buffer.isBuffer(payload)
            ? payload.toString()
            : '',
      });
      if (violation) this.violations.push(violation);
      done();
    });
    server.addHook('onRoute', ({ method, url }) => {
      this.routes.push(...[method].flat().map((name) => `${name} ${url}`));
    });
    const bootstrap = vi.spyOn(
      BackgroundTask.prototype,
      'onApplicationBootstrap',
    );
    if (!this.options.startBackgroundTasks) bootstrap.mockReturnValue();
    await this.app.init();
    bootstrap.mockRestore();
    await server.ready();
    return this;
  }

  /** On MySQL a read has no transaction: a write in it would be committed at once, past SessionWrites. */
  private watchReads(): void {
    const { violations } = this;
    const database = this.app.get(Database);
    const read = database.read.bind(database);
    function* watched(statements: Statement[]): UnitOfWork<StatementResult> {
      for (const one of statements) {
        const [sql] = one.getQueryAndParameters();
        if (!/^SELECT\b/.test(sql))
          violations.push(`Database.read runs ${sql}`);
      }
      return yield statements;
    }
    database.read = (work) => read(() => withSteps(work(), watched));
  }

  /** Sends a request past the network. An object as body goes as JSON. */
  async send<Body = unknown>(
    method: Method,
    path: string,
    body?: object | string,
    headers: Record<string, string> = {},
  ): Promise<TestResponse<Body>> {
    // On SQLite `inject` goes from promise to promise, and starves all timers
    // and sockets. A request from the network begins with a turn of the event loop.
    await nextTurn();
    const response = await this.app.inject({
      method,
      url: path,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      payload: typeof body === 'object' ? JSON.stringify(body) : body,
    });
    return {
      status: response.statusCode,
      headers: response.headers as TestResponse['headers'],
      text: response.body,
      body: (response.body && isJson(response.headers['content-type'])
        ? JSON.parse(response.body)
        : undefined) as Body,
    };
  }

  /** Listens on a free port of the loopback; resolves to the service's URL. */
  async listen(): Promise<string> {
    await this.app.listen(0, '127.0.0.1');
    return this.app.getUrl();
  }

  /** Also after a start that failed. */
  async stop(): Promise<void> {
    const { app, dataSource, database } = this as Partial<TestApp>;
    try {
      if (app) await app.close();
      else await dataSource?.destroy();
    } finally {
      await database?.remove();
    }
  }
}

/** Starts a TestApp before the tests of the file or `describe`, and stops it after them. */
export function useTestApp(options: TestAppOptions = {}): TestApp {
  const testApp = new TestApp(options);
  beforeAll(async () => {
    await testApp.start();
  });
  afterAll(async () => {
    await testApp.stop();
    expect(testApp.violations).toEqual([]);
  });
  return testApp;
}

function isJson(contentType: unknown): boolean {
  return String(contentType).startsWith('application/json');
}
