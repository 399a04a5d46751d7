import {
  ClassSerializerInterceptor,
  type ClassSerializerInterceptorOptions,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { classToPlain, plainToInstance } from 'class-transformer';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { apiRequests } from '../support/api-requests.js';
import type { Session } from '../support/api.js';
import {
  create,
  platform,
  usableDataSource,
} from '../support/embedding/platform.js';
import { useTestDatabase } from '../support/test-database.js';

const database = useTestDatabase();

/** Keys and values that a serializer would fail at, or leave out. */
const OPEN = { constructor: { name: 'x' }, _secret: 1, toString: null };
const MESSAGE = {
  id: 'm1',
  role: 'user',
  content: 'Hello',
  parts: [{ type: 'x', ...OPEN }],
  references: [OPEN],
  metadata: OPEN,
};
const SESSION = {
  messages: [MESSAGE],
  references: [OPEN],
  config: OPEN,
  metadata: OPEN,
};

interface Step {
  /** The route's path; `:session_id` and others stand for the values below. */
  route: string;
  query?: string;
  body?: object;
  status?: number;
  /** A part of the body. */
  expected: object;
}

const [ONE, SECTION] = [
  '/chat-sessions/:session_id',
  '/documents/:document_id/sections/:section_id/chat-session',
];

/** Requests to all routes, in this order. */
function stepsWith(id: string): Step[] {
  const chat_session = SESSION;
  const messages = [MESSAGE];
  const read = (route: string, expected: object, query?: string): Step => ({
    route: `GET ${route}`,
    expected,
    query,
  });
  const create = {
    route: 'POST /chat-sessions',
    body: { id, config: OPEN, metadata: OPEN, messages },
    expected: { chat_session },
  };
  const append = (route: string, message: object): Step => ({
    route,
    body: message,
    status: 201,
    expected: { message },
  });
  return [
    { route: `POST ${SECTION}`, status: 201, expected: { chat_session: {} } },
    { ...create, status: 201 },
    // It exists.
    create,
    read(ONE, { chat_session }),
    // From the cache.
    read(ONE, { chat_session }),
    read(ONE, { chat_session }, '?messages=1'),
    read('/chat-sessions', { chat_sessions: [{ id }, {}] }),
    read(`${ONE}/messages`, { messages }),
    read(`${ONE}/messages/:message_id`, { message: MESSAGE }),
    read('/history', { messages }),
    read('/session/history', { messages }),
    {
      route: `PATCH ${ONE}`,
      body: { title: 'x' },
      expected: { chat_session: { title: 'x', ...SESSION } },
    },
    {
      route: `PUT ${ONE}/config`,
      body: { config: OPEN },
      expected: { message: 'Chat configuration updated successfully' },
    },
    append(`POST ${ONE}/messages`, { ...MESSAGE, id: 'm2' }),
    {
      route: `POST ${ONE}/messages`,
      body: { messages: [{ ...MESSAGE, id: 'm3' }] },
      status: 201,
      expected: { messages: [{ ...MESSAGE, id: 'm3' }] },
    },
    {
      route: `PATCH ${ONE}/messages/:message_id`,
      body: { parts: MESSAGE.parts, metadata: OPEN },
      expected: { message: { metadata: OPEN } },
    },
    {
      route: `POST ${ONE}/messages/replace`,
      body: { after_id: 'm1', messages: [{ ...MESSAGE, id: 'm4' }] },
      status: 201,
      expected: { messages: [{ ...MESSAGE, id: 'm4' }] },
    },
    {
      route: `PUT ${ONE}/leaf`,
      body: { message_id: 'm3' },
      expected: { chat_session: { config: OPEN, metadata: OPEN } },
    },
    ...runSteps(),
    {
      route: `POST ${ONE}/fork`,
      body: { message_id: 'm1' },
      status: 201,
      expected: { chat_session: { config: OPEN, metadata: OPEN } },
    },
    {
      route: `DELETE ${ONE}/messages/:message_id`,
      status: 204,
      expected: {},
    },
    {
      route: `POST ${ONE}/clear`,
      expected: { message: 'Chat history cleared successfully' },
    },
    { route: `DELETE ${ONE}`, status: 204, expected: {} },
  ];
}

/** A run that waits once. */
function runSteps(): Step[] {
  const run = `${ONE}/runs/:run_id`;
  const ofRun = (action: string, body: object, expected: object): Step => ({
    route: `POST ${run}/${action}`,
    body,
    expected,
  });
  const interrupt = { id: 'pay', ...OPEN };
  return [
    {
      route: `POST ${ONE}/runs`,
      body: { id: 'r', metadata: OPEN },
      status: 201,
      expected: { run: { id: 'r', metadata: OPEN } },
    },
    {
      route: `GET ${run}`,
      expected: { run: { id: 'r', metadata: OPEN } },
    },
    ofRun(
      'output',
      { fence: 1, offset: 0, parts: MESSAGE.parts },
      { offset: MESSAGE.parts.length },
    ),
    ofRun(
      'pause',
      { fence: 1, interrupts: [interrupt] },
      { run: { interrupts: [interrupt] } },
    ),
    ofRun(
      'interrupts/:interrupt_id',
      { answer: OPEN },
      { run: { interrupts: [{ ...interrupt, answer: OPEN }] } },
    ),
    ofRun('resume', {}, { run: { fence: 2 } }),
    ofRun(
      'finish',
      { fence: 2, status: 'failed', error: OPEN },
      { run: { error: OPEN }, message: { parts: MESSAGE.parts } },
    ),
    ofRun('cancel', {}, { run: { status: 'failed' } }),
    { route: 'GET /usage', expected: { usage: [] } },
  ];
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('on %s a ClassSerializerInterceptor', (_, adapter) => {
  let url: string;
  const owner = randomUUID();
  const values: Record<string, string> = {
    session_id: randomUUID(),
    message_id: 'm1',
    document_id: 'handbook',
    section_id: '3',
    run_id: 'r',
    interrupt_id: 'pay',
  };

  beforeAll(async () => {
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
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    return () => app.close();
  });

  function send(route: string, query = '', body?: object, headers = {}) {
    const [method, pattern] = route.split(' ') as [string, string];
    const path = pattern.replace(/:(\w+)/g, (_, name: string) => values[name]!);
    return fetch(url + path + query, {
      method,
      headers: {
        'x-user-id': owner,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    });
  }

  it('leaves the responses of all routes as they are', async () => {
    const steps = stepsWith(values.session_id!);
    for (const { route, query, body, status = 200, expected } of steps) {
      const response = await send(route, query, body);
      expect([route, response.status]).toEqual([route, status]);
      const text = await response.text();
      expect(JSON.parse(text || '{}')).toMatchObject(expected);
      if (status === 204) continue;
      expect(response.headers.get('content-type')).toBe(
        'application/json; charset=utf-8',
      );
    }
    const routes = apiRequests('', '').map(({ route }) =>
      route.replace(' /api', ' '),
    );
    expect(new Set(steps.map(({ route }) => route))).toEqual(new Set(routes));
  });

  it('leaves the one session of a section as it is', async () => {
    const section = `POST ${SECTION}`;
    const { chat_session } = (await (await send(section)).json()) as {
      chat_session: Session;
    };
    const path = `/chat-sessions/${chat_session.id}`;
    await send(`PUT ${path}/config`, '', { config: OPEN });
    await send(`PATCH ${path}`, '', { metadata: OPEN });
    await send(`POST ${path}/messages`, '', MESSAGE);
    const again = await send(section);
    expect(again.status).toBe(200);
    expect(await again.json()).toMatchObject({ chat_session: SESSION });
  });

  it('leaves a response that is sent again, and one without a body, as it is', async () => {
    const key = { 'idempotency-key': 'once' };
    const body = { config: OPEN, metadata: OPEN, messages: [MESSAGE] };
    const create = 'POST /chat-sessions';
    const [first, again] = [
      await send(create, '', body, key),
      await send(create, '', body, key),
    ];
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const text = await first.text();
    expect(await again.text()).toBe(text);
    const { chat_session } = JSON.parse(text) as { chat_session: Session };
    expect(chat_session).toMatchObject(SESSION);

    const path = `/chat-sessions/${chat_session.id}`;
    const etag = (await send(`GET ${path}`)).headers.get('etag')!;
    const match = { 'if-none-match': etag };
    const unchanged = await send(`GET ${path}`, '', undefined, match);
    expect([unchanged.status, await unchanged.text()]).toEqual([304, '']);

    const append = `POST ${path}/messages`;
    const message = { ...MESSAGE, id: undefined };
    const keyed = { 'idempotency-key': 'append' };
    const appended = await (await send(append, '', message, keyed)).text();
    const replayed = await send(append, '', message, keyed);
    expect(replayed.headers.get('idempotent-replayed')).toBe('true');
    expect(await replayed.text()).toBe(appended);
    expect(JSON.parse(appended)).toMatchObject({
      message: { parts: MESSAGE.parts, metadata: OPEN, references: [OPEN] },
    });
  });
});
