import { beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  getSession,
  validationErrors,
} from '../support/api.js';
import { writes } from '../support/api-requests.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSION = `/api/chat-sessions/${ID}`;

beforeAll(async () => {
  await createSession(api, { id: ID });
});

describe.each([
  ['POST', '/api/chat-sessions', { title: 'x' }],
  ['PATCH', SESSION, { title: 'x' }],
  ['PUT', `${SESSION}/config`, { config: {} }],
  ['POST', `${SESSION}/messages`, { role: 'user', content: 'x' }],
] as const)('fields of %s %s', (method, path, valid) => {
  it('are taken where they are known', async () => {
    const answer = await api.send(method, path, valid);
    expect([200, 201]).toContain(answer.status);
  });

  it.each([
    'unknown',
    'constructor',
    'toString',
    'Title',
    'owner_id',
    'ownerId',
    'seq',
    'version',
    'message_count',
    'last_activity_at',
    'created_at',
    'updated_at',
    'timestamp',
    'preview',
  ])('%s is refused', async (field) => {
    const answer = await api.send(method, path, { ...valid, [field]: 1 });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      validationErrors(`${field} is not a known field`),
    );
  });

  it.each([undefined, '', 'null', '[]', '[{}]', '"{}"', '1', 'true'])(
    'cannot be in the body %j',
    async (body) => {
      const answer = await api.send(method, path, body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        errorBody('Request body must be a JSON object'),
      );
    },
  );
});

describe.each(writes(ID))('the body of %s %s', (method, path) => {
  const nested = (levels: number) =>
    `{"metadata":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

  it.each([
    ['half an object', '{"metadata":'],
    ['white space', ' '],
    ['single quotes', "{'a': 1}"],
    ['a trailing comma', '{"a":1,}'],
    ['two values', '{}{}'],
    ['NaN', '{"a":NaN}'],
    ['a raw control character', '{"a":"\n"}'],
    ['__proto__', '{"__proto__":{}}'],
    ['__proto__ deeper', '{"metadata":{"a":[{"__proto__":null}]}}'],
    ['__proto__ with escapes', '{"metadata":{"\\u005f_proto__":{}}}'],
    [
      'constructor holding prototype',
      '{"metadata":{"constructor":{"prototype":{}}}}',
    ],
  ])('is not JSON to take: %s', async (_, body) => {
    const answer = await api.send(method, path, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(errorBody('Request body is not valid JSON'));
  });

  it.each([
    ['NUL', '{"metadata":{"a":"\\u0000"}}'],
    ['NUL in a key', '{"metadata":{"a\\u0000":1}}'],
    ['half a surrogate pair', '{"metadata":{"a":["\\ud83d"]}}'],
    ['the other half', '{"metadata":{"a":"\\ude00"}}'],
    ['both the wrong way round', '{"metadata":{"a":"\\ude00\\ud83d"}}'],
    ['half a surrogate pair in a key', '{"metadata":{"\\ud83d":1}}'],
    ['1e400', '{"metadata":{"a":1e400}}'],
    ['-1e400', '{"metadata":{"a":[-1e400]}}'],
  ])('cannot be given back: %s', async (_, body) => {
    const answer = await api.send(method, path, body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      errorBody('JSON must not hold NUL, lone surrogates or infinite numbers'),
    );
  });

  it.each([65, 10_000, 1_000_000])('is %i levels deep', async (levels) => {
    const start = performance.now();
    const answer = await api.send(method, path, nested(levels));
    expect(performance.now() - start).toBeLessThan(1000);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      errorBody('JSON must not be nested more than 64 levels deep'),
    );
  });
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

  it('may hold any other key', async () => {
    const { id } = await createSession(api, { metadata, config: metadata });
    const parts = [{ type: 'x', ...metadata }];
    const message = { role: 'user', parts, metadata, references: [metadata] };
    const answer = await append(api, id, message);
    expect(answer.status).toBe(201);
    const session = await getSession(api, id);
    expect(session).toMatchObject({
      messages: [{ parts, metadata, references: [metadata] }],
      references: [metadata],
    });
    expect(session.metadata).toEqual(metadata);
    expect(session.config).toEqual(metadata);
  });

  it('may be 64 levels deep, and hold as many brackets in text as it likes', async () => {
    const text = '{['.repeat(100);
    const deep = `{"a":${'['.repeat(62)}"\\"${text}"${']'.repeat(62)}}`;
    const answer = await api.send(
      'POST',
      '/api/chat-sessions',
      `{"metadata":${deep}}`,
    );
    expect(answer.status).toBe(201);
    expect(answer.text).toContain(`"metadata":${deep}`);
  });
});

describe('a body full of unknown fields', () => {
  it('gets an answer that is no longer than it needs to be', async () => {
    const names = Array.from({ length: 300_000 }, (_, index) => `f${index}`);
    const body = JSON.stringify({
      ['x'.repeat(1000)]: 1,
      ...Object.fromEntries(names.map((name) => [name, 1])),
    });
    const answer = await api.send('POST', '/api/chat-sessions', body);
    expect(answer.status).toBe(400);
    const { details } = answer.body as { details: string[] };
    expect(details).toHaveLength(101);
    expect(details[0]).toBe('x'.repeat(300));
    expect(details[1]).toBe('f0 is not a known field');
    expect(details.at(-1)).toBe('and 299901 more');
  });
});

describe('wrong types', () => {
  it('of a session are reported field by field', async () => {
    const answer = await api.send('POST', '/api/chat-sessions', {
      id: 1,
      title: {},
      document_id: 3,
      section_id: ['x'],
      context_documents: 'x',
      config: null,
      metadata: 'x',
      messages: {},
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: 'Validation failed' });
    const { details } = answer.body as { details: string[] };
    const rule =
      'must be 1 to 191 characters, without control characters and without white space at either end';
    expect(details.toSorted()).toEqual([
      'config must be an object',
      'context_documents must be an array',
      `document_id ${rule}`,
      'id must be a UUID',
      'messages must be an array',
      'metadata must be an object',
      `section_id ${rule}`,
      'title must be a string',
    ]);
  });

  it('of messages are reported by their place', async () => {
    const wrong = {
      id: 1,
      role: 'user',
      content: ['x'],
      parts: 'x',
      references: {},
      metadata: [],
    };
    const answer = await api.send('POST', `${SESSION}/messages`, {
      messages: [{ role: 'user', content: 'x' }, wrong, { content: 'x' }],
    });
    expect(answer.status).toBe(400);
    const { details } = answer.body as { details: string[] };
    expect(details.toSorted()).toEqual([
      'messages.1.content must be a string',
      'messages.1.id must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -',
      'messages.1.metadata must be an object',
      'messages.1.parts must be an array',
      'messages.1.references must be an array',
      'messages.2.role must be one of the following values: system, developer, user, assistant, tool',
    ]);
  });

  // Validators ask what they find for its class.
  describe.each(['/api/chat-sessions', `${SESSION}/messages`])(
    'of messages with a constructor: POST %s',
    (path) => {
      it.each([
        [{ constructor: null }, 'messages must be an array'],
        [[[{ constructor: null }]], 'each value in messages must be an object'],
      ])('%j', async (messages, mistake) => {
        const answer = await api.send('POST', path, { messages });
        expect(answer.status).toBe(400);
        expect(answer.body).toEqual(validationErrors(mistake));
      });
    },
  );

  it.each([null, 'x', 1, []])('%j is no message', async (item) => {
    const answer = await api.send('POST', `${SESSION}/messages`, {
      messages: [{ role: 'user', content: 'x' }, item],
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      validationErrors('each value in messages must be an object'),
    );
  });

  it.each(['/api/chat-sessions', `${SESSION}/messages`])(
    'of a body full of messages take no time to refuse: POST %s',
    async (path) => {
      const body = `{"messages":[${Array(100_000).fill('{}').join()}]}`;
      const start = performance.now();
      const answer = await api.send('POST', path, body);
      expect(performance.now() - start).toBeLessThan(1000);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        validationErrors('messages must contain no more than 100 elements'),
      );
    },
  );

  it('of fields that are unknown in a message are reported by their place', async () => {
    const answer = await api.send('POST', `${SESSION}/messages`, {
      messages: [{ role: 'user', content: 'x', seq: 1, owner_id: 'me' }],
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      validationErrors(
        'messages.0.seq is not a known field',
        'messages.0.owner_id is not a known field',
      ),
    );
  });
});
