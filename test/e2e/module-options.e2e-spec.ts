import {
  type ArgumentsHost,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  Get,
  HttpException,
  type INestApplication,
  Injectable,
  Module,
  Param,
  type Type,
  UseInterceptors,
  VersioningType,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { TypeOrmModule } from '@nestjs/typeorm';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  ChatSessionsModule,
  ChatSessionsService,
  HttpExceptionsInterceptor,
  toHttpException,
} from '../../src/index.js';
import { NOBODYS_ID, type Session } from '../support/api.js';
import {
  create,
  owner,
  platform,
  usableDataSource,
} from '../support/embedding/platform.js';
import {
  createTestDatabase,
  useTestDatabase,
} from '../support/test-database.js';

const database = useTestDatabase();
const ADAPTERS: [string, () => ExpressAdapter | FastifyAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

async function listen(app: INestApplication): Promise<string> {
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

/** Creates a session and reads it, as alice. Resolves to the statuses. */
async function statusesAt(sessions: string): Promise<number[]> {
  const headers = { 'x-user-id': 'alice', 'content-type': 'application/json' };
  const created = await fetch(sessions, {
    method: 'POST',
    headers,
    body: '{"title":"Mine"}',
  });
  if (created.status !== 201) return [created.status];
  const { chat_session } = (await created.json()) as { chat_session: Session };
  const read = await fetch(`${sessions}/${chat_session.id}`, { headers });
  return [created.status, read.status];
}

describe('the option routes', () => {
  it.each([
    ['false', false as const, [404, 404]],
    ['an empty list', [], [404, 404]],
    ['a list', ['sessions', 'forks'] as const, [404, 401]],
    ['true', true as const, [401, 401]],
  ])('may be %s', async (_, routes, [history, sessions]) => {
    const app = await create(platform(usableDataSource(database), { routes }));
    const url = await listen(app);
    expect((await fetch(`${url}/history`)).status).toBe(history);
    expect((await fetch(`${url}/chat-sessions`)).status).toBe(sessions);
    const service = app.get(ChatSessionsService, { strict: false });
    const { session } = await service.create('alice', {}, {});
    expect(session.ownerId).toBe('alice');
  });

  it('names what it cannot be', () => {
    const routes = ['session'] as unknown as ['sessions'];
    expect(() => ChatSessionsModule.forRoot({ owner, routes })).toThrow(
      'Options of Chat Sessions: routes must be of sessions, messages, branches, forks, runs, sections, history: "session"',
    );
  });
});

it.each(ADAPTERS)(
  'routes have a path and a version below the global prefix on %s',
  async (_, adapter) => {
    const app = await create(
      platform(usableDataSource(database), { path: 'assistant', version: '2' }),
      adapter(),
    );
    app.setGlobalPrefix('api');
    app.enableVersioning({ type: VersioningType.URI });
    const url = await listen(app);
    const sessions = '/api/v2/assistant/chat-sessions';
    expect(await statusesAt(url + sessions)).toEqual([201, 200]);
    expect(await statusesAt(`${url}/api/v2/chat-sessions`)).toEqual([404]);
    expect(await statusesAt(`${url}/api/assistant/chat-sessions`)).toEqual([
      404,
    ]);
  },
);

it('a cached session is served before the guards below a path, too', async () => {
  const app = await create(
    platform(usableDataSource(database), {
      path: 'assistant',
      // The guards let in nobody else.
      owner: ({ method }: { method?: string }) =>
        method === 'POST' ? 'alice' : undefined,
      admitRead: async () => ({ ownerId: 'alice', headers: { 'x-hot': '1' } }),
    }),
    new FastifyAdapter(),
  );
  app.setGlobalPrefix('api');
  const url = await listen(app);
  expect(await statusesAt(`${url}/api/assistant/chat-sessions`)).toEqual([
    201, 200,
  ]);
});

it('may be registered twice, for two data sources', async () => {
  const other = await createTestDatabase();
  onTestFinished(() => other.remove());
  const tenant = (name: string, of = database): DynamicModule[] => {
    const source = usableDataSource(of);
    return [
      TypeOrmModule.forRootAsync({
        name,
        useFactory: () => ({ ...source.options, name }),
        dataSourceFactory: () => Promise.resolve(source),
      }),
      ChatSessionsModule.forRoot({ dataSource: name, path: name, owner }),
    ];
  };
  const imports = [...tenant('north'), ...tenant('south', other)];
  const app = await create({ module: class Tenants {}, imports });
  const url = await listen(app);
  const headers = { 'x-user-id': 'alice', 'content-type': 'application/json' };
  const sessions = (name: string) => `${url}/${name}/chat-sessions`;
  const id = '01900000-0000-7000-8000-000000000001';
  const body = JSON.stringify({ id, title: 'Northern' });
  const post = { method: 'POST', headers, body };
  expect((await fetch(sessions('north'), post)).status).toBe(201);
  const read = (name: string) => fetch(`${sessions(name)}/${id}`, { headers });
  expect((await read('north')).status).toBe(200);
  expect((await read('south')).status).toBe(404);
  expect((await fetch(sessions('south'), post)).status).toBe(201);
});

@Injectable()
class Titles {
  constructor(private readonly sessions: ChatSessionsService) {}

  async of(id: string): Promise<string | null> {
    const key = { ownerId: 'alice', id };
    return (await this.sessions.get(key)).view!.session.title;
  }
}

/** Nothing tells it where the module is configured. */
@Module({
  imports: [ChatSessionsModule],
  providers: [Titles],
  exports: [Titles],
})
class FeatureModule {}

it('is there for all modules if it is global', async () => {
  const module = platform(usableDataSource(database), { isGlobal: true });
  module.imports!.push(FeatureModule);
  const app = await create(module);
  onTestFinished(() => app.close());
  await app.init();
  const { session } = await app
    .get(ChatSessionsService, { strict: false })
    .create('alice', { title: 'Mine' }, {});
  const titles = app.get(Titles, { strict: false });
  expect(await titles.of(session.id)).toBe('Mine');
});

/** A platform's own shape of errors. */
@Catch(HttpException)
class PlatformFilter implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(exception: HttpException, host: ArgumentsHost): void {
    const status = exception.getStatus();
    const body = { platform: exception.getResponse() };
    const response = host.switchToHttp().getResponse<object>();
    this.adapterHost.httpAdapter.reply(response, body, status);
  }
}

const NOT_FOUND = {
  platform: {
    statusCode: 404,
    message: 'Chat session not found',
    code: 'not_found',
  },
};

describe.each(ADAPTERS)('the errors of a platform on %s', (_, adapter) => {
  const filter = { provide: APP_FILTER, useClass: PlatformFilter };

  async function start(
    module: DynamicModule,
    controllers: Type<object>[] = [],
  ): Promise<string> {
    const providers = [filter];
    return listen(
      await create({ ...module, providers, controllers }, adapter()),
    );
  }

  it('are those of the routes if it asks for them', async () => {
    const url = await start(
      platform(usableDataSource(database), { errors: 'application' }),
    );
    const headers = { 'x-user-id': 'alice' };
    const sessions = `${url}/chat-sessions`;
    const missing = await fetch(`${sessions}/${NOBODYS_ID}`, { headers });
    expect(missing.status).toBe(404);
    expect(await missing.json()).toEqual(NOT_FOUND);
    const invalid = await fetch(`${sessions}?limit=0`, { headers });
    expect(invalid.status).toBe(400);
    expect(await invalid.json()).toMatchObject({
      platform: { message: expect.anything() as unknown },
    });
    const unknown = await fetch(sessions);
    expect(unknown.status).toBe(401);
    expect(await unknown.json()).toHaveProperty('platform');
  });

  it('are those of the services in its own controllers', async () => {
    @Controller('titles')
    @UseInterceptors(HttpExceptionsInterceptor)
    class TitlesController {
      constructor(private readonly sessions: ChatSessionsService) {}

      @Get(':id')
      async get(@Param('id') id: string): Promise<string | null> {
        const { view } = await this.sessions.get({ ownerId: 'alice', id });
        return view!.session.title;
      }
    }
    const url = await start(platform(usableDataSource(database)), [
      TitlesController,
    ]);
    const missing = await fetch(`${url}/titles/${NOBODYS_ID}`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toEqual(NOT_FOUND);
  });
});

it('an error of no service stays as it is', () => {
  const error = new Error('other');
  expect(toHttpException(error)).toBe(error);
});

describe('the OpenAPI document of a platform', () => {
  async function documentWith(
    swagger: Parameters<typeof ChatSessionsModule.forRoot>[0]['swagger'],
  ) {
    const app = await create(platform(usableDataSource(database), { swagger }));
    onTestFinished(() => app.close());
    const config = new DocumentBuilder().addBearerAuth({
      type: 'http',
    });
    return SwaggerModule.createDocument(app, config.build());
  }

  it('has no security of ours unless it is named', async () => {
    const { paths } = await documentWith(undefined);
    const { get } = paths['/chat-sessions']!;
    expect(get).not.toHaveProperty('security');
    expect(get!.tags).toEqual(['Chat sessions']);
  });

  it('has one tag and the security that are named', async () => {
    const swagger = { tag: 'Assistant', security: 'bearer' };
    const { paths } = await documentWith(swagger);
    const operations = Object.entries(paths)
      .filter(([path]) => path !== '/notes')
      .flatMap(([, item]) => Object.values(item as object));
    expect(operations.length).toBeGreaterThan(15);
    for (const operation of operations) {
      expect(operation).toMatchObject({
        tags: ['Assistant'],
        security: [{ bearer: [] }],
      });
    }
  });

  it('has none of the routes if they are hidden', async () => {
    const { paths } = await documentWith({ hidden: true });
    expect(Object.keys(paths)).toEqual(['/notes']);
  });
});
