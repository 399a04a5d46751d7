import { beforeEach, describe, expect, it } from 'vitest';
import { ChatSessionsClient } from '../../src/client/index.js';
import {
  createSession,
  errorBody,
  getSession,
  NOBODYS_ID,
  validationErrors,
} from '../support/api.js';
import { inParallel } from '../support/parallel.js';
import { errorOf } from '../support/scripted-client.js';
import { type Method, useTestApp } from '../support/test-app.js';

const api = useTestApp();

const MERGE_PATCH = 'application/merge-patch+json';

let id: string;
let path: string;

beforeEach(async () => {
  ({ id } = await createSession(api, {
    title: 'Old',
    config: { model: 'large', sampling: { temperature: 0.2, top_p: 1 } },
    metadata: { tags: ['a', 'b'], folder: 'x' },
  }));
  path = `/api/chat-sessions/${id}`;
});

function merge(patch: object | string, headers: Record<string, string> = {}) {
  return api.send<{ chat_session: { title: string } }>('PATCH', path, patch, {
    'content-type': MERGE_PATCH,
    ...headers,
  });
}

describe('PATCH of a session with a merge patch', () => {
  it('merges metadata and config, and replaces other fields', async () => {
    const { status, headers, body } = await merge({
      title: 'New',
      pinned: true,
      context_documents: ['menu'],
      config: { sampling: { temperature: 0.7, top_p: null }, tools: { a: {} } },
      metadata: { tags: ['c'], folder: null },
    });
    expect(status).toBe(200);
    expect(headers.etag).toMatch(/^"/);
    const session = await getSession(api, id);
    expect(body).toEqual({ chat_session: session });
    expect(session).toMatchObject({
      title: 'New',
      pinned: true,
      context_documents: ['menu'],
      version: 2,
    });
    expect(session.config).toEqual({
      model: 'large',
      sampling: { temperature: 0.7 },
      tools: { a: {} },
    });
    expect(session.metadata).toEqual({ tags: ['c'] });
  });

  it('clears with null what may be empty', async () => {
    await merge({ title: null, config: null, metadata: null });
    expect(await getSession(api, id)).toMatchObject({
      title: null,
      config: {},
      metadata: {},
      version: 2,
    });
  });

  it('changes nothing if it is empty', async () => {
    const before = await getSession(api, id);
    expect((await merge({})).status).toBe(200);
    expect(await getSession(api, id)).toEqual(before);
  });

  it('keeps numbers as they were written, and the order of keys', async () => {
    await merge('{"metadata":null,"config":null}');
    await merge('{"metadata":{"b":1.0,"7":12345678901234567890,"a":{"x":-0}}}');
    const { text } = await merge('{"metadata":{"a":{"y":1e3},"b":2.50}}');
    expect(text).toContain(
      '"metadata":{"b":2.50,"7":12345678901234567890,"a":{"x":-0,"y":1e3}}',
    );
    const read = await api.send('GET', path);
    expect(read.text).toBe(text);
  });

  it('takes a member with the name of a property', async () => {
    await merge({ metadata: { constructor: { a: 1 }, toString: 'x' } });
    await merge({ metadata: { constructor: { b: 2 }, tags: null } });
    expect((await getSession(api, id)).metadata).toEqual({
      folder: 'x',
      constructor: { a: 1, b: 2 },
      toString: 'x',
    });
  });

  it('holds if many are sent at once', async () => {
    const responses = await inParallel(32, (index) =>
      merge({
        metadata: { [`m${index}`]: index },
        config: { sampling: { [`c${index}`]: index } },
      }),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(32).fill(200));
    const { metadata, config, version } = await getSession(api, id);
    expect(version).toBe(33);
    expect(Object.keys(metadata)).toHaveLength(2 + 32);
    expect(Object.keys(config.sampling as object)).toHaveLength(2 + 32);
  });

  it('takes If-Match', async () => {
    const { headers } = await api.send('GET', path);
    const condition = { 'if-match': headers.etag! };
    expect((await merge({ metadata: { a: 1 } }, condition)).status).toBe(200);
    const second = await merge({ metadata: { a: 2 } }, condition);
    expect(second.status).toBe(412);
    expect((await getSession(api, id)).metadata).toMatchObject({ a: 1 });
  });

  it.each(['metadata', 'config'])('limits the result: %s', async (field) => {
    const big = 'x'.repeat(65_536 - '{"a":""}'.length);
    await merge({ [field]: null });
    expect((await merge({ [field]: { a: big } })).status).toBe(200);
    const before = await getSession(api, id);
    const more = await merge({ [field]: { b: 1 } });
    expect([more.status, more.body]).toEqual([
      400,
      validationErrors(`${field} must be at most 65536 bytes of JSON`),
    ]);
    expect(await getSession(api, id)).toEqual(before);
    // A patch may be larger than what it leaves.
    const nulls = Array.from({ length: 8000 }, (_, n) => [`key ${n}`, null]);
    const patch = { [field]: { a: 'y', ...Object.fromEntries(nulls) } };
    expect((await merge(patch)).status).toBe(200);
    expect(await getSession(api, id)).toMatchObject({ [field]: { a: 'y' } });
  });

  it.each([
    [{ metadata: [] }, 'metadata must be an object'],
    [{ config: 'x' }, 'config must be an object'],
    [{ title: ' ' }, 'title must not be blank'],
    [{ pinned: null }, 'pinned must be a boolean value'],
    [{ context_documents: null }, 'context_documents must be an array'],
    [{ id: NOBODYS_ID }, 'id is not a known field'],
  ])('refuses %j', async (patch, problem) => {
    const before = await getSession(api, id);
    const { status, body } = await merge(patch);
    expect([status, body]).toEqual([400, validationErrors(problem)]);
    expect(await getSession(api, id)).toEqual(before);
  });

  it.each([
    ['[]', 'Request body must be a JSON object'],
    ['null', 'Request body must be a JSON object'],
    ['{"metadata":', 'Request body is not valid JSON'],
    ['{"metadata":{"__proto__":1}}', 'Request body is not valid JSON'],
    [
      `{"metadata":${'{"a":'.repeat(64)}1${'}'.repeat(65)}`,
      'JSON must not be nested more than 64 levels deep',
    ],
  ])('refuses the body %s', async (patch, problem) => {
    const { status, body } = await merge(patch);
    expect([status, body]).toEqual([400, errorBody(problem)]);
  });

  it('answers 404 for a session that does not exist', async () => {
    path = `/api/chat-sessions/${NOBODYS_ID}`;
    expect((await merge({ title: 'x' })).status).toBe(404);
  });
});

describe('the media type of a merge patch', () => {
  it.each([
    'Application/Merge-Patch+JSON',
    `${MERGE_PATCH}; charset=utf-8`,
    `${MERGE_PATCH} ;charset=utf-8`,
  ])('may be written %s', async (type) => {
    const { status } = await merge(
      { metadata: { a: 1 } },
      { 'content-type': type },
    );
    expect(status).toBe(200);
    expect((await getSession(api, id)).metadata).toMatchObject({ folder: 'x' });
  });

  it.each([
    ['PUT', '/config', '{"config":{}}'],
    ['POST', '/messages', '{"role":"user","content":"x"}'],
    ['PATCH', '/messages/a', '{"content":"x"}'],
    ['PATCH', '/messages/a', '{'],
    ['POST', '/messages/replace', '{"after_id":null,"messages":[]}'],
    ['PUT', '/leaf', '{"message_id":"a"}'],
  ] satisfies [Method, string, string][])(
    'is refused by %s %s: %s',
    async (method, suffix, body) => {
      const headers = { 'content-type': MERGE_PATCH };
      const response = await api.send(method, path + suffix, body, headers);
      expect([response.status, response.body]).toEqual([
        415,
        errorBody('Content-Type must be application/json'),
      ]);
    },
  );

  it.each(['application/merge-patch', 'application/json-patch+json'])(
    'is not %s',
    async (type) => {
      const { status } = await merge({}, { 'content-type': type });
      expect(status).toBe(415);
    },
  );
});

it('PATCH with application/json replaces metadata whole, and takes no config', async () => {
  await api.send('PATCH', path, { metadata: { new: true } });
  expect((await getSession(api, id)).metadata).toEqual({ new: true });
  const refused = await api.send('PATCH', path, { config: {} });
  expect(refused.body).toEqual(validationErrors('config is not a known field'));
});

it('the client merges', async () => {
  const client = new ChatSessionsClient({ baseUrl: await api.listen() });
  const patch = { config: { sampling: { top_p: null } } };
  const first = await client.merge(id, patch);
  expect(first.chat_session.config).toEqual({
    model: 'large',
    sampling: { temperature: 0.2 },
  });
  const changes = { metadata: null };
  const second = await client.merge(id, changes, { ifMatch: first.etag });
  expect(second.chat_session.metadata).toEqual({});
  const stale = client.merge(id, changes, { ifMatch: first.etag });
  expect((await errorOf(stale)).status).toBe(412);
});
