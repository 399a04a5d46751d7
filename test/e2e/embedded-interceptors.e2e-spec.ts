import {
  type CallHandler,
  ClassSerializerInterceptor,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  StreamableFile,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  classToPlain,
  instanceToPlain,
  plainToInstance,
} from 'class-transformer';
import { map } from 'rxjs';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import type { Session } from '../support/api.js';
import {
  create,
  platform,
  usableDataSource,
} from '../support/embedding/platform.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();

/** A common setting of platforms. */
class EnvelopeInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

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

const ORDINARY = { toString: null, nested: [{ n: 1 }] };

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('instanceToPlain in an interceptor of a platform on %s', (_, adapter) => {
  async function expectUnharmed(
    transform: (data: unknown) => unknown,
    metadata: object,
  ) {
    const app = await create(platform(usableDataSource(database)), adapter());
    onTestFinished(() => app.close());
    app.useGlobalInterceptors({
      intercept: (_context: ExecutionContext, next: CallHandler) =>
        next.handle().pipe(map(transform)),
    });
    await app.listen(0, '127.0.0.1');
    const response = await fetch(`${await app.getUrl()}/chat-sessions`, {
      method: 'POST',
      headers: { 'x-user-id': 'alice', 'content-type': 'application/json' },
      body: JSON.stringify({ metadata }),
    });
    expect([response.status, await response.json()]).toMatchObject([
      201,
      { chat_session: { metadata } },
    ]);
  }

  it('leaves bodies as they are', () =>
    expectUnharmed((data) => instanceToPlain(data), ORDINARY));

  it('leaves a key constructor as it is if it lets files pass, as the docs say', () =>
    expectUnharmed(
      (data) => (data instanceof StreamableFile ? data : instanceToPlain(data)),
      { ...ORDINARY, constructor: { name: 'x' } },
    ));
});
