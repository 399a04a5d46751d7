import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { IdempotencyKey } from '../../src/chat-sessions/writes/idempotency/idempotency-key.entity.js';
import {
  create,
  platform,
  usableDataSource,
} from '../support/embedding/platform.js';
import { useTestApp } from '../support/test-app.js';
import { createTestDatabase } from '../support/test-database.js';

const api = useTestApp();

const SESSIONS = '/api/chat-sessions';
/** Open JSON that `JSON.parse` and `JSON.stringify` would change everywhere. */
const OPEN =
  '{"snowflake":1234567890123456789,"10":{"z":-0,"a":[1.0,2.50,1e3]},"2":"1.0"}';
const PART = OPEN.replace('{', '{"type":"tool_call",');
const MESSAGE = `{"id":"m1","role":"user","content":"hi","parts":[${PART}],"references":[${OPEN}],"metadata":${OPEN}}`;
const FIELDS = `"parts":[${PART}],"references":[${OPEN}],"metadata":${OPEN}`;

async function newSession(): Promise<string> {
  const created = await api.send<{ chat_session: { id: string } }>(
    'POST',
    SESSIONS,
    `{"config":${OPEN},"metadata":${OPEN}}`,
  );
  expect(created.status).toBe(201);
  expect(created.text).toContain(`"config":${OPEN},"metadata":${OPEN}`);
  return created.body.chat_session.id;
}

describe('open JSON', () => {
  it('comes back from every route exactly as it was sent', async () => {
    const path = `${SESSIONS}/${await newSession()}`;
    const appended = await api.send('POST', `${path}/messages`, MESSAGE);
    expect(appended.status).toBe(201);
    expect(appended.text).toContain(FIELDS);

    for (const read of [
      path,
      `${path}?messages=10`,
      `${path}/messages`,
      `${path}/messages/m1`,
      '/api/history',
    ]) {
      expect((await api.send('GET', read)).text).toContain(FIELDS);
    }
    const session = await api.send('GET', path);
    expect(session.text).toContain(
      `"references":[${OPEN}],"config":${OPEN},"metadata":${OPEN}`,
    );
    // From the cache, where there is one.
    expect((await api.send('GET', path)).text).toBe(session.text);
  });

  it('of a create comes back as a GET shows it, with its references', async () => {
    const references =
      '[{"x":0.10},{"x":1.0},{"x":1},{"x":1234567890123456789}]';
    const message = `{"role":"user","content":"hi","references":${references}}`;
    const created = await api.send<{ chat_session: { id: string } }>(
      'POST',
      SESSIONS,
      `{"messages":[${MESSAGE.replace('"id":"m1",', '')},${message}]}`,
    );
    expect(created.status).toBe(201);
    const { id } = created.body.chat_session;
    const read = await api.send('GET', `${SESSIONS}/${id}`);
    expect(created.text).toBe(read.text);
    expect(read.text).toContain(`"references":[${OPEN},${references.slice(1)}`);
  });

  it('of a fork is that of its session', async () => {
    const path = `${SESSIONS}/${await newSession()}`;
    await api.send('POST', `${path}/messages`, MESSAGE);
    const forked = await api.send<{ chat_session: { id: string } }>(
      'POST',
      `${path}/fork`,
      '{}',
    );
    expect(forked.status).toBe(201);
    const { id } = forked.body.chat_session;
    const read = await api.send('GET', `${SESSIONS}/${id}`);
    for (const text of [forked.text, read.text]) {
      expect(text).toContain(FIELDS);
      expect(text).toContain(
        `"references":[${OPEN}],"config":${OPEN},"metadata":${OPEN}`,
      );
    }
  });

  it('of a change comes back, too', async () => {
    const path = `${SESSIONS}/${await newSession()}`;
    const patched = await api.send('PATCH', path, '{"metadata":{"n":1e2}}');
    expect(patched.text).toContain(`"config":${OPEN},"metadata":{"n":1e2}`);
    await api.send('PUT', `${path}/config`, '{"config":{"t": 0.70}}');
    expect((await api.send('GET', path)).text).toContain(
      '"config":{"t":0.70},"metadata":{"n":1e2}',
    );
  });

  it('counts towards its limit as it is written', async () => {
    const path = `${SESSIONS}/${await newSession()}`;
    const metadata = (digits: number) =>
      `{"metadata":{"n":0.${'1'.repeat(digits)}}}`;
    const most = 64 * 1024 - '{"n":0.}'.length;
    expect((await api.send('PATCH', path, metadata(most))).status).toBe(200);
    expect((await api.send('PATCH', path, metadata(most + 1))).status).toBe(
      400,
    );
  });

  it('with a byte order mark before it is taken', async () => {
    const body = '\uFEFF{"metadata":{"n":1.0}}';
    const created = await api.send('POST', SESSIONS, body);
    expect(created.status).toBe(201);
    expect(created.text).toContain('"metadata":{"n":1.0}');
  });
});

it('a text that no rule has seen is not stored', async () => {
  const evil = String.raw`{"a":"\u0000","b":1e999,"c":{"__proto__":1}}`;
  const repeats = '"a":1,'.repeat(1_000);
  for (const body of [
    `{"metadata":${evil},"config":{${repeats}"a":{}},"metadata":{"ok":1.0}}`,
    `{"context_documents":{"not":"a list"},"metadata":{"n":1.0},"context_documents":["x"]}`,
  ]) {
    const created = await api.send<{ chat_session: { metadata: object } }>(
      'POST',
      SESSIONS,
      body,
    );
    expect(created.status).toBe(201);
    // An id or a time of the service may have the digits by chance.
    const sent = created.text.replaceAll(
      /[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z/g,
      '',
    );
    expect(sent).toContain('"metadata":');
    expect(sent).not.toMatch(/not|u0000|999|__proto__/);
  }
});

it('a message that the version before stored is the same message', async () => {
  const path = `${SESSIONS}/${await newSession()}/messages`;
  const message = '{"id":"m1","role":"user","content":"x","metadata":{"n":1}}';
  expect((await api.send('POST', path, message)).status).toBe(201);
  const written = message.replace('"n":1', '"n":1.0');
  expect((await api.send('POST', path, written)).status).toBe(200);
});

it('a key that the version before recorded is the same key', async () => {
  const path = `${SESSIONS}/${await newSession()}/messages`;
  const key = { 'Idempotency-Key': 'recorded before' };
  const sent = '{"role":"user","metadata":{"n":1.0},"content":"x"}';
  expect((await api.send('POST', path, sent, key)).status).toBe(201);
  const rounded = '{"content":"x","metadata":{"n":1},"role":"user"}';
  await api.dataSource.getRepository(IdempotencyKey).update(
    { key: 'recorded before' },
    {
      requestHash: createHash('sha256')
        .update(`POST ${path}\n${rounded}`)
        .digest('hex'),
    },
  );
  expect((await api.send('POST', path, sent, key)).status).toBe(201);
});

describe('two requests that differ in a large number only', () => {
  const other = MESSAGE.replace('123456789012345678', '123456789012345679');

  it('are two to an Idempotency-Key', async () => {
    const path = `${SESSIONS}/${await newSession()}/messages`;
    const key = { 'Idempotency-Key': 'numbers' };
    expect((await api.send('POST', path, MESSAGE, key)).status).toBe(201);
    const again = await api.send('POST', path, MESSAGE, key);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect((await api.send('POST', path, other, key)).status).toBe(422);
    // The same, written otherwise.
    const spaced = MESSAGE.replaceAll(',', ' , ');
    expect((await api.send('POST', path, spaced, key)).status).toBe(201);
  });

  it.each([
    ['9007199254740992', '9007199254740993'],
    ['9007199254740993', '9007199254740992'],
  ])(
    'are two to an Idempotency-Key, even if %s rounds to %s',
    async (...numbers) => {
      const key = { 'Idempotency-Key': `rounded ${numbers[0]}` };
      const [sent, rounded] = numbers.map((n) => `{"metadata":{"n":${n}}}`);
      expect((await api.send('POST', SESSIONS, sent, key)).status).toBe(201);
      const again = await api.send('POST', SESSIONS, sent, key);
      expect(again.headers['idempotent-replayed']).toBe('true');
      expect((await api.send('POST', SESSIONS, rounded, key)).status).toBe(422);
    },
  );

  it('are two to the id of a message', async () => {
    const path = `${SESSIONS}/${await newSession()}/messages`;
    expect((await api.send('POST', path, MESSAGE)).status).toBe(201);
    expect((await api.send('POST', path, MESSAGE)).status).toBe(200);
    expect((await api.send('POST', path, other)).status).toBe(409);
  });
});

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('in a platform on %s', (_, adapter) => {
  async function start(options: NestApplicationOptions, use?: UseParser) {
    const database = await createTestDatabase();
    onTestFinished(() => database.remove());
    const module = platform(usableDataSource(database));
    const app = await create(module, adapter(), options);
    onTestFinished(() => app.close());
    use?.(app);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    return (method: string, path: string, body?: string) =>
      fetch(url + path, {
        method,
        body,
        headers: { 'x-user-id': 'a', 'content-type': 'application/json' },
      });
  }

  describe.each([false, true])('with `rawBody: %s`', (rawBody) => {
    it('open JSON comes back as it was sent', async () => {
      const send = await start({ rawBody });
      const levels = 20_000;
      const deep = `{"metadata":${'['.repeat(levels)}${']'.repeat(levels)},"metadata":{"a":1.0}}`;
      expect((await send('POST', '/chat-sessions', deep)).status).toBe(201);
      const created = await send(
        'POST',
        '/chat-sessions',
        `{"config":${OPEN},"messages":[${MESSAGE}]}`,
      );
      const text = await created.text();
      expect(text).toContain(FIELDS);
      const { id } = (JSON.parse(text) as { chat_session: { id: string } })
        .chat_session;
      const read = await send('GET', `/chat-sessions/${id}`);
      expect(read.headers.get('content-type')).toBe(
        'application/json; charset=utf-8',
      );
      expect(await read.text()).toContain(FIELDS);
      const page = await send('GET', `/chat-sessions/${id}/messages`);
      expect(await page.text()).toContain(FIELDS);
      expect(page.headers.get('content-type')).toBe(
        'application/json; charset=utf-8',
      );
    });
  });

  it('a parser of the platform may keep only values: what it is known to have changed is refused', async () => {
    const send = await start({ bodyParser: false }, parseValues);
    const statusOf = async (number: string) => {
      const body = `{"metadata":{"n":${number}}}`;
      const response = await send('POST', '/chat-sessions', body);
      const { error } = (await response.json()) as { error?: string };
      return [response.status, error];
    };
    const rounded =
      'JSON must not hold integers beyond 2^53: they were rounded before they arrived here';
    expect(await statusOf('1234567890123456789')).toEqual([400, rounded]);
    const negative = 'JSON must not hold -0: it would be returned as 0';
    expect(await statusOf('-0')).toEqual([400, negative]);
    expect(await statusOf('[{"x":-0.0}]')).toEqual([400, negative]);
    const infinite =
      'JSON must not hold NUL, lone surrogates or infinite numbers';
    expect(await statusOf('1e400')).toEqual([400, infinite]);
    const largest = String(Number.MAX_SAFE_INTEGER);
    expect(await statusOf(largest)).toEqual([201, undefined]);
    expect(await statusOf('0')).toEqual([201, undefined]);
  });
});

type UseParser = (app: INestApplication) => void;

/** Uses a parser that asks the body for its chunks, so that nobody else sees them. */
function parseValues(app: INestApplication): void {
  const adapter = app.getHttpAdapter() as AbstractHttpAdapter;
  if (adapter instanceof FastifyAdapter) {
    adapter
      .getInstance()
      .addContentTypeParser(
        'application/json',
        (_request: unknown, payload: IncomingMessage) => json(payload),
      );
    return;
  }
  adapter.use(
    (
      request: IncomingMessage & { body?: unknown },
      _response: ServerResponse,
      next: (error?: unknown) => void,
    ) => {
      json(request)
        .then((body) => (request.body = body))
        .then(() => next(), next);
    },
  );
}
