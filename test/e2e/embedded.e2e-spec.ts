import {
  ForbiddenException,
  type ArgumentMetadata,
  type INestApplication,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
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
import { useTestDatabase } from '../support/test-database.js';

/** Knows what Nest would tell a ValidationPipe of the parameters. */
class RecordingPipe implements PipeTransform {
  readonly types = new Set<unknown>();

  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type === 'body' || type === 'query') this.types.add(metatype);
    return value;
  }
}

const database = useTestDatabase();

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

  it('reads a message whose id needs percent-encoding', async () => {
    const id = `100%/${'😀'.repeat(250)}`;
    const messages = [{ id, role: 'user', content: 'x' }];
    const created = await send('/chat-sessions', {
      method: 'POST',
      body: JSON.stringify({ messages }),
    });
    const { chat_session } = (await created.json()) as {
      chat_session: Session;
    };
    const path = `/chat-sessions/${chat_session.id}/messages`;
    const read = await send(`${path}/${encodeURIComponent(id)}`);
    expect(await read.json()).toEqual({ message: chat_session.messages[0] });
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

it.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])(
  'takes a merge patch of a session on %s, and of nothing else',
  async (_, adapter) => {
    const app = await create(platform(usableDataSource(database)), adapter());
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const send = (method: string, path: string, body: string, type: string) =>
      fetch(url + path, {
        method,
        headers: { 'x-user-id': 'alice', 'content-type': type },
        body,
      });
    const json = 'application/json';
    const mergePatch = 'application/merge-patch+json';
    const metadata = '{"metadata":{"a":1.0,"b":2}}';
    const created = await send('POST', '/chat-sessions', metadata, json);
    const { chat_session } = (await created.json()) as {
      chat_session: Session;
    };
    const path = `/chat-sessions/${chat_session.id}`;
    const patch = '{"metadata":{"b":null,"c":3.00}}';
    const merged = await send('PATCH', path, patch, mergePatch);
    expect(merged.status).toBe(200);
    expect(await merged.text()).toContain('"metadata":{"a":1.0,"c":3.00}');
    const config = '{"config":{}}';
    const refused = await send('PUT', `${path}/config`, config, mergePatch);
    expect(refused.status).toBe(415);
  },
);

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
