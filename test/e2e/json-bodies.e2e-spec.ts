import { beforeAll, describe, expect, it } from 'vitest';
import { writes } from '../support/api-requests.js';
import {
  append,
  createSession,
  errorBody,
  getSession,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSION = `/api/chat-sessions/${ID}`;

beforeAll(async () => {
  await createSession(api, { id: ID });
});

function nested(levels: number): string {
  return `{"metadata":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
}

describe.each(writes(ID))('the body of %s %s', (method, path) => {
  it.each([
    ['half an object', '{"metadata":'],
    ['white space', ' '],
    ['single quotes', "{'a': 1}"],
    ['a trailing comma', '{"a":1,}'],
    ['two values', '{}{}'],
    ['NaN', '{"a":NaN}'],
    ['a raw control character', '{"a":"\n"}'],
    ['__proto__', '{"__proto__":{}}'],
    ['__proto__ in open JSON', '{"metadata":{"__proto__":1}}'],
    ['__proto__ deeper', '{"metadata":{"a":[{"__proto__":null}]}}'],
    ['__proto__ with escapes', '{"metadata":{"\\u005f_proto__":{}}}'],
    ['constructor.prototype', '{"constructor":{"prototype":1}}'],
    [
      'constructor.prototype deeper',
      '{"metadata":{"constructor":{"prototype":{}}}}',
    ],
  ])('is refused as invalid JSON: %s', async (_, body) => {
    const response = await api.send(method, path, body);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(errorBody('Request body is not valid JSON'));
  });

  it.each([
    ['NUL', '{"metadata":{"a":"\\u0000"}}'],
    ['NUL in a key', '{"metadata":{"a\\u0000":1}}'],
    ['a high surrogate', '{"metadata":{"a":["\\ud83d"]}}'],
    ['a low surrogate', '{"metadata":{"a":"\\ude00"}}'],
    ['a surrogate pair in reverse', '{"metadata":{"a":"\\ude00\\ud83d"}}'],
    ['a high surrogate in a key', '{"metadata":{"\\ud83d":1}}'],
    ['a low surrogate in a key', '{"metadata":{"\\ude00":1}}'],
    ['1e400', '{"metadata":{"a":1e400}}'],
    ['-1e400', '{"metadata":{"a":[-1e400]}}'],
  ])('is refused if it cannot be stored: %s', async (_, body) => {
    const response = await api.send(method, path, body);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      errorBody('JSON must not hold NUL, lone surrogates or infinite numbers'),
    );
  });

  // A check whose cost grows with the square of a million would not end.
  it.each([65, 10_000, 1_000_000])(
    'is refused with %i levels of nesting',
    async (levels) => {
      const response = await api.send(method, path, nested(levels));
      expect(response.status).toBe(400);
      expect(response.body).toEqual(
        errorBody('JSON must not be nested more than 64 levels deep'),
      );
    },
  );
});

describe.each([
  ['POST', '/api/chat-sessions'],
  ['PATCH', SESSION],
  ['PUT', `${SESSION}/config`],
  ['POST', `${SESSION}/messages`],
] as const)('the body of %s %s', (method, path) => {
  it.each([undefined, '', 'null', '[]', '[{}]', '"{}"', '1', 'true'])(
    'must be an object: %j',
    async (body) => {
      const response = await api.send(method, path, body);
      expect(response.status).toBe(400);
      expect(response.body).toEqual(
        errorBody('Request body must be a JSON object'),
      );
    },
  );
});

describe('open JSON', () => {
  const metadata = {
    constructor: 'x',
    prototype: { constructor: [{ constructor: {} }] },
    toString: null,
    hasOwnProperty: 1,
    toJSON: 'x',
    id: 'x',
    '': '"}]{[\\',
    $ref: '#',
  };

  it('may have any other key', async () => {
    const { id } = await createSession(api, { metadata, config: metadata });
    const parts = [{ type: 'x', ...metadata }];
    const message = { role: 'user', parts, metadata, references: [metadata] };
    const response = await append(api, id, message);
    expect(response.status).toBe(201);
    const session = await getSession(api, id);
    expect(session).toMatchObject({
      messages: [{ parts, metadata, references: [metadata] }],
      references: [metadata],
    });
    expect(session.metadata).toEqual(metadata);
    expect(session.config).toEqual(metadata);
  });

  it('may have 64 levels, and brackets in text do not count', async () => {
    const text = '{['.repeat(100);
    const deep = `{"a":${'['.repeat(62)}"\\"${text}"${']'.repeat(62)}}`;
    const response = await api.send(
      'POST',
      '/api/chat-sessions',
      `{"metadata":${deep}}`,
    );
    expect(response.status).toBe(201);
    expect(response.text).toContain(`"metadata":${deep}`);
  });

  it('may have 250,000 values in one body, and no more', async () => {
    const { id } = await createSession(api);
    // The others: the body, a list, a message, its role and parts, a part, its type and list, and the last 0.
    const bodyOf = (values: number) =>
      `{"messages":[{"role":"user","parts":[{"type":"x","n":[${'0,'.repeat(values - 9)}0]}]}]}`;
    const path = `/api/chat-sessions/${id}/messages`;
    const refused = await api.send('POST', path, bodyOf(250_001));
    expect(refused.status).toBe(400);
    expect(refused.body).toEqual(
      errorBody('JSON must not hold more than 250000 values'),
    );
    const taken = await api.send('POST', path, bodyOf(250_000));
    expect(taken.status).toBe(201);
  });
});
