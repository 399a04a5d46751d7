import {
  ClassSerializerInterceptor,
  ForbiddenException,
  type ArgumentMetadata,
  type CallHandler,
  type ClassSerializerInterceptorOptions,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { classToPlain, plainToInstance } from 'class-transformer';
import { map } from 'rxjs';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import {
  HeaderIdentityProvider,
  IdentityGuard,
  IdentityModule,
  ownerOf,
  RateLimitGuard,
  RateLimitModule,
} from '../../src/guards.js';
import { SessionEvents, type ChatSessionsOptions } from '../../src/index.js';
import { errorBody, NOBODYS_ID, type Session } from '../support/api.js';
import {
  create,
  platform,
  usableDataSource,
} from '../support/embedding/platform.js';
import type { TestDatabase } from '../support/mysql-database.js';
import { createTestDatabase } from '../support/test-database.js';

/** Knows what Nest would tell a ValidationPipe of the parameters. */
class RecordingPipe implements PipeTransform {
  readonly types = new Set<unknown>();

  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'body' || type === 'query') this.types.add(metatype);
    return value;
  }
}

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database.remove();
});

describe('a platform', () => {
  const pipe = new RecordingPipe();
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    app = await create(platform(usableDataSource(database)));
    app.useGlobalPipes(pipe);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(async () => {
    await app.close();
  });

  function send(path: string, request: RequestInit = {}) {
    const headers = {
      'x-user-id': 'alice',
      'content-type': 'application/json',
    };
    return fetch(url + path, { headers, ...request });
  }

  it('keeps its own errors as they were', async () => {
    const answer = await send('/notes');
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({
      statusCode: 403,
      message: 'Not yours',
      error: 'Forbidden',
    });
    const missing = await send('/nowhere');
    expect(await missing.json()).toMatchObject({ statusCode: 404 });
  });

  it('gets the errors of the module in its own shape all the same', async () => {
    const answer = await send(`/chat-sessions/${NOBODYS_ID}`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toBe('{"error":"Chat session not found"}');
  });

  it('has no class of a body or query for a global ValidationPipe', async () => {
    pipe.types.clear();
    const session = `/chat-sessions/${NOBODYS_ID}`;
    await send('/chat-sessions?limit=0');
    await send(`${session}?messages=-1`);
    await send(`${session}/messages?limit=0`);
    await send('/chat-sessions', {
      method: 'POST',
      body: '{"metadata":{"constructor":1}}',
    });
    await send(session, { method: 'PATCH', body: '{}' });
    await send(`${session}/config`, { method: 'PUT', body: '{"config":{}}' });
    await send(`${session}/messages`, {
      method: 'POST',
      body: '{"role":"user"}',
    });
    expect([...pipe.types]).toEqual([Object]);
  });
});

describe('the option owner', () => {
  async function statusWith(
    owner: ChatSessionsOptions['owner'],
  ): Promise<number> {
    const app = await create(platform(usableDataSource(database), { owner }));
    try {
      await app.listen(0, '127.0.0.1');
      return (await fetch(`${await app.getUrl()}/history`)).status;
    } finally {
      await app.close();
    }
  }

  it.each<[string, ChatSessionsOptions['owner'], number]>([
    ['a text', () => 'alice', 200],
    ['a promise of a text', async () => 'alice', 200],
    ['nothing', () => undefined, 401],
    ['a promise of nothing', async () => null, 401],
    ['an empty text', () => '', 401],
    ['a text with white space at its end', () => 'alice ', 401],
    ['a number', () => 42 as unknown as string, 401],
    [
      'an exception',
      () => {
        throw new ForbiddenException();
      },
      403,
    ],
  ])('may give %s', async (_, owner, status) => {
    expect(await statusWith(owner)).toBe(status);
  });
});

it('may have the guards of the service on Express, too', async () => {
  const owner = () => undefined;
  const app = await create({
    module: class Guarded {},
    imports: [
      platform(usableDataSource(database), { owner: ownerOf }),
      IdentityModule.forRoot({
        provider: new HeaderIdentityProvider('X-User-Id', '127.0.0.0/8'),
      }),
      RateLimitModule.forRoot({ reads: 3, writes: 1, owner }),
    ],
    providers: [
      { provide: APP_GUARD, useClass: RateLimitGuard },
      { provide: APP_GUARD, useClass: IdentityGuard },
    ],
  });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const history = `${await app.getUrl()}/history`;
  const alice = { headers: { 'x-user-id': 'alice' } };
  expect((await fetch(history, alice)).status).toBe(200);
  const nobody = await fetch(history);
  expect(nobody.status).toBe(401);
  expect(nobody.headers.get('vary')).toBe('X-User-Id');
  // Without an owner all of an address is one caller.
  expect((await fetch(history, alice)).status).toBe(200);
  expect((await fetch(history, alice)).status).toBe(429);
});

/** A common setting of platforms. */
class EnvelopeInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('on %s a ClassSerializerInterceptor', (_, adapter) => {
  it('leaves open JSON as it is', async () => {
    const module = platform(usableDataSource(database));
    const options: ClassSerializerInterceptorOptions = {
      transformerPackage: { classToPlain, plainToInstance },
      excludePrefixes: ['_'],
    };
    const serializer = {
      provide: APP_INTERCEPTOR,
      inject: [Reflector],
      useFactory: (reflector: Reflector) =>
        new ClassSerializerInterceptor(reflector, options),
    };
    const app = await create({ ...module, providers: [serializer] }, adapter());
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/chat-sessions`;
    const headers = {
      'x-user-id': 'serialized',
      'content-type': 'application/json',
    };
    const metadata = { constructor: { name: 'x' }, _secret: 1, toString: null };
    const message = {
      role: 'user',
      content: 'Hello',
      parts: [{ type: 'x', ...metadata }],
      metadata,
    };
    const body = JSON.stringify({ title: 'x', metadata, messages: [message] });
    const post = { method: 'POST', headers, body };
    const created = await fetch(url, post);
    expect(created.status).toBe(201);
    expect(created.headers.get('content-type')).toBe(
      'application/json; charset=utf-8',
    );
    const { chat_session } = (await created.json()) as {
      chat_session: Session;
    };
    expect(chat_session).toMatchObject({ metadata, messages: [message] });
    const path = `${url}/${chat_session.id}`;
    for (let times = 0; times < 3; times++) {
      const response = await fetch(path, { headers });
      expect(await response.json()).toEqual({ chat_session });
    }
    const page = await fetch(`${path}/messages`, { headers });
    expect(await page.json()).toMatchObject({ messages: [message] });
    const etag = (await fetch(path, { headers })).headers.get('etag')!;
    const unchanged = await fetch(path, {
      headers: { ...headers, 'if-none-match': etag },
    });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);
  });
});

it.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])(
  'on %s a ClassSerializerInterceptor may serialize an envelope',
  async (_, adapter) => {
    const app = await create(platform(usableDataSource(database)), adapter());
    onTestFinished(() => app.close());
    const transformerPackage = { classToPlain, plainToInstance };
    app.useGlobalInterceptors(
      new ClassSerializerInterceptor(new Reflector(), { transformerPackage }),
      new EnvelopeInterceptor(),
    );
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`${await app.getUrl()}/chat-sessions`, {
      method: 'POST',
      headers: { 'x-user-id': 'alice', 'content-type': 'application/json' },
      body: '{"title":"In an envelope"}',
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({
      data: { chat_session: { title: 'In an envelope' } },
    });
  },
);

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('a platform on %s', (_, adapter) => {
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    app = await create(platform(usableDataSource(database)), adapter());
    app.useGlobalInterceptors(new EnvelopeInterceptor());
    await app.listen(0, '127.0.0.1');
    url = `${await app.getUrl()}/chat-sessions`;
  });

  afterAll(async () => {
    await app.close();
  });

  function send(path: string, type?: string, body?: string) {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = {
      'x-user-id': 'alice',
      ...(type !== undefined && { 'content-type': type }),
    };
    return fetch(url + path, { method, headers, body });
  }

  it('puts answers into its envelope, cached or not', async () => {
    const created = await send('', 'application/json', '{"title":"Mine"}');
    const { data } = (await created.json()) as {
      data: { chat_session: Session };
    };
    expect(data.chat_session.title).toBe('Mine');
    for (let times = 0; times < 3; times++) {
      const answer = await send(`/${data.chat_session.id}`);
      expect(await answer.json()).toEqual({ data });
    }
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'text/xml'])(
    'loses no body that is %s: it is refused',
    async (type) => {
      const answer = await send('', type, 'title=Mine');
      expect(answer.status).toBe(415);
    },
  );
});

it('tells a provider of the platform what was committed', async () => {
  const heard: string[] = [];
  const module = platform(usableDataSource(database));
  module.providers = [
    {
      provide: 'webhook',
      inject: [SessionEvents],
      useFactory: (events: SessionEvents) =>
        events.subscribe(({ type, session }) => {
          heard.push(`${type} ${session.title} of ${session.ownerId}`);
        }),
    },
  ];
  const app = await create(module);
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  await fetch(`${await app.getUrl()}/chat-sessions`, {
    method: 'POST',
    headers: { 'x-user-id': 'alice', 'content-type': 'application/json' },
    body: '{"title":"Mine"}',
  });
  expect(heard).toEqual(['created Mine of alice']);
});

it('loses no body that a platform does not read: it is refused', async () => {
  const module = platform(usableDataSource(database));
  const app = await create(module, undefined, { bodyParser: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const answer = await fetch(`${await app.getUrl()}/chat-sessions`, {
    method: 'POST',
    headers: { 'x-user-id': 'alice', 'content-type': 'application/json' },
    body: '{"title":"Mine"}',
  });
  expect(answer.status).toBe(415);
  expect(await answer.json()).toEqual(
    errorBody(
      'Content-Type must be application/json',
      'unsupported_media_type',
    ),
  );
});
