import { beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  createSession,
  errorBody,
  FAMILY,
  getPage,
  getSession,
  listSessions,
  type Message,
  type MessagePage,
  numbers,
  type Session,
  validationErrors,
} from '../support/api.js';
import { asOwner } from '../support/owners.js';
import { type Method, useTestApp } from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

// Bad input and what it gets: 400 for a body, and 201 for what looks bad but is only text.

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSIONS = '/api/chat-sessions';
const SESSION = `${SESSIONS}/${ID}`;
const MESSAGES = `${SESSION}/messages`;

const NOT_JSON = 'Request body is not valid JSON';
const NOT_AN_OBJECT = 'Request body must be a JSON object';
const NOT_STORABLE =
  'JSON must not hold NUL, lone surrogates or infinite numbers';
const TOO_DEEP = 'JSON must not be nested more than 64 levels deep';
const EMPTY = 'Message cannot be empty';
const OPAQUE_ID_RULE =
  'must be 1 to 191 characters, without control characters and without white space at either end';
const MESSAGE_ID_RULE = 'must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -';
const ROLE_RULE =
  'role must be one of the following values: system, developer, user, assistant, tool';

const hello = { role: 'user', content: 'Hello' };
const ONE_MIB_OF_EMOJI = '😀'.repeat(256 * 1024);

function nested(levels: number): string {
  return `{"metadata":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
}

async function expectRefused(
  method: Method,
  path: string,
  body: object | string | undefined,
  expected: object,
) {
  const answer = await alice.send(method, path, body);
  expect(answer.status).toBe(400);
  expect(answer.body).toEqual(expected);
}

beforeAll(async () => {
  await createSession(alice, { id: ID });
});

describe('400', () => {
  describe.each([
    ['PATCH', SESSION],
    ['POST', SESSIONS],
    ['POST', MESSAGES],
    ['POST', `${SESSION}/clear`],
  ] as const)('%s %s', (method, path) => {
    it.each([
      ['bad JSON', '{"metadata":', NOT_JSON],
      ['two values', '{}{}', NOT_JSON],
      ['__proto__', '{"__proto__":{}}', NOT_JSON],
      ['__proto__ in open JSON', '{"metadata":{"__proto__":1}}', NOT_JSON],
      ['constructor.prototype', '{"constructor":{"prototype":1}}', NOT_JSON],
      ['nesting over 64', nested(65), TOO_DEEP],
      ['a lone surrogate', '{"metadata":{"a":"\\ud83d"}}', NOT_STORABLE],
      ['a lone surrogate in a key', '{"metadata":{"\\ude00":1}}', NOT_STORABLE],
      ['NUL', '{"metadata":{"a":"\\u0000"}}', NOT_STORABLE],
    ])('%s', async (_, body, error) => {
      await expectRefused(method, path, body, errorBody(error));
    });
  });

  it.each([
    ['no body', undefined],
    ['null', 'null'],
    ['an array', '[]'],
    ['a string', '"{}"'],
  ])('%s, where an object is expected', async (_, body) => {
    await expectRefused('POST', MESSAGES, body, errorBody(NOT_AN_OBJECT));
  });

  it.each([
    ['unknown field', { nope: 1 }, 'nope is not a known field'],
    ['owner_id', { owner_id: 'bob' }, 'owner_id is not a known field'],
    ['seq', { seq: 7 }, 'seq is not a known field'],
    ['created_at', { created_at: 0 }, 'created_at is not a known field'],
    ['role not listed', { role: 'admin' }, ROLE_RULE],
    ['role in capitals', { role: 'User' }, ROLE_RULE],
    ['no role', { role: undefined }, ROLE_RULE],
    ['wrong type: content', { content: 7 }, 'content must be a string'],
    ['wrong type: parts', { parts: {} }, 'parts must be an array'],
    ['wrong type: metadata', { metadata: [] }, 'metadata must be an object'],
    ['id of 300 characters', { id: 'x'.repeat(300) }, `id ${MESSAGE_ID_RULE}`],
  ])('a message with %s', async (_, fields, mistake) => {
    const message = { ...hello, ...fields };
    await expectRefused('POST', MESSAGES, message, validationErrors(mistake));
    const messages = [hello, message];
    await expectRefused(
      'POST',
      MESSAGES,
      { messages },
      validationErrors(`messages.1.${mistake}`),
    );
  });

  it('a message with 200,000 unknown fields', async () => {
    const fields = numbers(0, 199_999).map((n) => [`k${n}`, 1] as const);
    const message = { ...hello, ...Object.fromEntries(fields) };
    const details = (path: string) => [
      ...fields
        .slice(0, 100)
        .map(([key]) => `${path}${key} is not a known field`),
      'and 199900 more',
    ];
    await expectRefused(
      'POST',
      MESSAGES,
      message,
      validationErrors(...details('')),
    );
    const messages = [message];
    for (const path of [MESSAGES, SESSIONS]) {
      await expectRefused(
        'POST',
        path,
        { messages },
        validationErrors(...details('messages.0.')),
      );
    }
  });

  it.each([
    ['blank content', ' \n\t\u00a0\u2028'],
    ['empty content', ''],
    ['no content', undefined],
  ])('a message with %s', async (_, content) => {
    const message = { role: 'user', content };
    const messages = [hello, message];
    await expectRefused('POST', MESSAGES, message, errorBody(EMPTY));
    await expectRefused('POST', MESSAGES, { messages }, errorBody(EMPTY));
    await expectRefused('POST', SESSIONS, { messages }, errorBody(EMPTY));
  });

  it.each([
    ['unknown field', { nope: 1 }, 'nope is not a known field'],
    ['owner_id', { owner_id: 'bob' }, 'owner_id is not a known field'],
    ['version', { version: 7 }, 'version is not a known field'],
    ['created_at', { created_at: 0 }, 'created_at is not a known field'],
    ['updated_at', { updated_at: 0 }, 'updated_at is not a known field'],
    ['wrong type: title', { title: 7 }, 'title must be a string'],
    ['wrong type: metadata', { metadata: 'x' }, 'metadata must be an object'],
    ['blank title', { title: ' ' }, 'title must not be blank'],
  ])('a session with %s', async (_, body, mistake) => {
    const expected = validationErrors(mistake);
    await expectRefused('POST', SESSIONS, body, expected);
    await expectRefused('PATCH', SESSION, body, expected);
  });

  it.each([
    ['that is not a UUID', 'abc'],
    ['that is a path', '../'],
    ['of 300 characters', 'x'.repeat(300)],
    ['that is a number', 7],
  ])('a session with an id %s', async (_, id) => {
    await expectRefused(
      'POST',
      SESSIONS,
      { id },
      validationErrors('id must be a UUID'),
    );
  });

  it.each([' doc', 'doc ', 'doc\n', 'd\u0007c', ' ', '', 'x'.repeat(192)])(
    'a session of the document or section %j',
    async (id) => {
      for (const field of ['document_id', 'section_id']) {
        const body = { document_id: 'doc', [field]: id };
        await expectRefused(
          'POST',
          SESSIONS,
          body,
          validationErrors(`${field} ${OPAQUE_ID_RULE}`),
        );
      }
    },
  );

  it('nesting 10,000 deep, in under 50 ms', async () => {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      await expectRefused(
        'PATCH',
        SESSION,
        nested(10_000),
        errorBody(TOO_DEEP),
      );
      times.push(performance.now() - start);
    }
    // Other processes may have had the core meanwhile.
    expect(Math.min(...times)).toBeLessThan(50);
  });

  it('one character over the largest content', async () => {
    const message = { role: 'user', content: `${ONE_MIB_OF_EMOJI}x` };
    await expectRefused(
      'POST',
      MESSAGES,
      message,
      validationErrors('content must be at most 1048576 bytes long'),
    );
  });

  it('leaves nothing behind', async () => {
    const { chat_sessions } = await listSessions(alice);
    expect(chat_sessions).toMatchObject([
      { id: ID, version: 1, message_count: 0 },
    ]);
  });
});

describe('201 and byte-exact back', () => {
  const carol = asOwner(api, 'carol');

  /** The newest message, by every route that shows it. */
  async function newestEverywhere(id: string, messageId: string) {
    const history = await carol.send<MessagePage>('GET', '/api/history');
    const path = `${SESSIONS}/${id}/messages/${messageId}`;
    const one = await carol.send<{ message: Message }>('GET', path);
    return [
      one.body.message,
      (await getPage(carol, id)).messages.at(-1),
      (await getSession(carol, id)).messages.at(-1),
      history.body.messages.at(-1),
    ];
  }

  it.each([
    ['emoji', '😀 🏳️‍🌈 🇦🇹 👍🏽'],
    ['RTL', 'שלום \u202bمرحبا\u202c \u2067abc\u2069'],
    ['ZWJ', `${FAMILY} a\u200db\u200d`],
    ['CJK', '語 𠮷 한글 ㌔ 葛\u{e0100}'],
    ['U+2028', 'a\u2028b\u2029c'],
    ['both forms of é', '\u00e9 e\u0301'],
    ["' OR 1=1--", "' OR 1=1--"],
    ['%', '%'],
    ['_', '_'],
    ['a backslash at the end', "\\' \\"],
    ['the largest size in 4-byte characters', ONE_MIB_OF_EMOJI],
  ])('%s', async (_, content) => {
    const start = content.slice(0, 128);
    const fields = { title: start, metadata: { [start]: start } };
    const { id } = await createSession(carol, fields);
    const message = {
      id: 'mine',
      role: 'user',
      content,
      metadata: { a: start },
    };
    const answer = await append(carol, id, message);
    expect(answer.status).toBe(201);
    for (const shown of [
      answer.body.message,
      ...(await newestEverywhere(id, 'mine')),
    ]) {
      // Not `toBe`: a megabyte of difference helps nobody.
      expect(shown?.content === content).toBe(true);
      expect(shown).toMatchObject({ metadata: { a: start } });
    }
    expect(await getSession(carol, id)).toMatchObject(fields);
  });

  it.each(["' OR 1=1--", '%', '_', '😀', 'שלום', '語', FAMILY])(
    'a document and section %s, which is itself and no pattern',
    async (name) => {
      const encoded = encodeURIComponent(name);
      const path = `/api/documents/${encoded}/sections/${encoded}/chat-session`;
      const answer = await carol.send<{ chat_session: Session }>('POST', path);
      expect(answer.status).toBe(201);
      const { id, document_id, section_id } = answer.body.chat_session;
      expect([document_id, section_id]).toEqual([name, name]);
      const query = `document_id=${encoded}&section_id=${encoded}`;
      const { chat_sessions } = await listSessions(carol, query);
      expect(chat_sessions.map((found) => found.id)).toEqual([id]);
    },
  );

  it('nesting of 64', async () => {
    const metadata = `{"metadata":{"a":${'['.repeat(62)}${']'.repeat(62)}}}`;
    const answer = await carol.send('POST', SESSIONS, metadata);
    expect(answer.status).toBe(201);
    expect(answer.text).toContain(metadata.slice(1, -1));
  });
});
