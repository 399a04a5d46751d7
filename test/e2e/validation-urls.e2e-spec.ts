import { beforeAll, describe, expect, it } from 'vitest';
import { createSession, errorBody, validationErrors } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSIONS = '/api/chat-sessions';
const SESSION = `${SESSIONS}/${ID}`;
const MESSAGES = `${SESSION}/messages`;

const OPAQUE_ID_RULE =
  'must be 1 to 191 characters, without control characters and without white space at either end';
const MESSAGE_ID_RULE =
  'must be 1 to 255 characters, without control characters and without white space at either end, and not . or ..';

beforeAll(async () => {
  await createSession(api, { id: ID });
});

async function expectRefused(path: string, ...details: string[]) {
  const response = await api.send('GET', path);
  expect(response.status).toBe(400);
  expect(response.body).toEqual(validationErrors(...details));
}

describe.each([
  ['GET', '', undefined],
  ['PATCH', '', {}],
  ['DELETE', '', undefined],
  ['PUT', '/config', { config: {} }],
  ['POST', '/clear', undefined],
  ['GET', '/messages', undefined],
  ['POST', '/messages', { role: 'user', content: 'x' }],
  ['GET', '/messages/mine', undefined],
] as const)('%s /api/chat-sessions/:session_id%s', (method, suffix, body) => {
  it.each([
    ['NUL', '%00'],
    ['../', '..%2f'],
    ['../ in escapes', '%2e%2e%2f'],
    ['../.. in escapes', '%2e%2e%2f%2e%2e'],
    ['letters', 'abc'],
    ['a number', '-1'],
    ['null', 'null'],
    ['a wildcard', '*'],
    ['a UUID and a space', `${ID}%20`],
    ['a UUID and NUL', `${ID}%00`],
    ['a UUID and a digit', `${ID}0`],
    ['a UUID in braces', `%7B${ID}%7D`],
    ['a UUID without dashes', ID.replaceAll('-', '')],
    ['a letter that is no hex digit', ID.replace('0', 'g')],
    ['a digit beyond ASCII', ID.replace('0', '%EF%BC%90')],
    ['an emoji', '%F0%9F%98%80'],
    ['SQL', "'%20OR%201=1--"],
    ['300 characters', 'x'.repeat(300)],
    ['8,000 characters', 'x'.repeat(8000)],
  ])('refuses the id %s', async (_, id) => {
    const path = `${SESSIONS}/${id}${suffix}`;
    const response = await api.send(method, path, body);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors('session_id must be a UUID'),
    );
  });

  it.each(['%zz', '%', '%ED%A0%80', '%ff'])(
    'refuses the malformed escape %s',
    async (id) => {
      const path = `${SESSIONS}/${id}${suffix}`;
      const headers = { 'x-request-id': 'mine' };
      const response = await api.send(method, path, body, headers);
      expect(response.status).toBe(400);
      expect(response.body).toEqual(
        errorBody(`'${path}' is not a valid url component`),
      );
      expect(response.headers['x-request-id']).toBe('mine');
    },
  );
});

describe('GET /api/chat-sessions/:session_id/messages/:message_id', () => {
  it.each([
    '%00',
    '%20a',
    'a%C2%A0',
    'a%0A',
    'x'.repeat(256),
    '%F0%9F%98%80'.repeat(256),
  ])('refuses the id %s', async (id) => {
    await expectRefused(`${MESSAGES}/${id}`, `message_id ${MESSAGE_ID_RULE}`);
  });
});

describe.each([
  ['white space at its end', 'doc '],
  ['white space at its start', ' doc'],
  ['a no-break space at its end', 'doc\u00a0'],
  ['a line break at its end', 'doc\n'],
  ['NUL', 'doc\0'],
  ['a control character', 'd\u0007c'],
  ['nothing but a space', ' '],
  ['192 characters', 'x'.repeat(192)],
])('a document or section id with %s', (_, id) => {
  const encoded = encodeURIComponent(id);

  it.each([
    ['document_id', `/api/documents/${encoded}/sections/sec/chat-session`],
    ['section_id', `/api/documents/doc/sections/${encoded}/chat-session`],
  ])('is refused in the path: %s', async (field, path) => {
    const response = await api.send('POST', path);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors(`${field} ${OPAQUE_ID_RULE}`),
    );
  });

  it.each(['document_id', 'section_id'])(
    'is refused in the query: %s',
    async (field) => {
      const query = new URLSearchParams({ document_id: 'doc', [field]: id });
      await expectRefused(
        `${SESSIONS}?${query.toString()}`,
        `${field} ${OPAQUE_ID_RULE}`,
      );
    },
  );
});

describe.each([SESSIONS, SESSION, MESSAGES])('GET %s', (path) => {
  it.each(['unknown', 'Limit', '__proto__', 'constructor', 'owner_id'])(
    'refuses the unknown ?%s=1',
    async (name) => {
      await expectRefused(`${path}?${name}=1`, `${name} is not a known field`);
    },
  );

  it('may have no query, or an empty one', async () => {
    expect((await api.send('GET', path)).status).toBe(200);
    expect((await api.send('GET', `${path}?`)).status).toBe(200);
  });
});

describe.each([
  [SESSIONS, 100],
  [MESSAGES, 200],
])('the limit of GET %s', (path, max) => {
  const notInteger = 'limit must be an integer number';

  it.each([
    ['limit=0', 'limit must not be less than 1'],
    ['limit=-1', 'limit must not be less than 1'],
    ['limit=1.5', notInteger],
    ['limit=1e9', notInteger],
    ['limit=1000000000', `limit must not be greater than ${max}`],
    [`limit=${max + 1}`, `limit must not be greater than ${max}`],
    ['limit=abc', notInteger],
    ['limit=', notInteger],
    ['limit=1&limit=1', notInteger],
    ['limit[]=1', 'limit[] is not a known field'],
  ])('cannot be ?%s', async (query, problem) => {
    await expectRefused(`${path}?${query}`, problem);
  });
});

describe('a cursor', () => {
  const CURSOR = Buffer.from(`1795392000000.${ID}`).toString('base64url');

  it.each([
    ['malformed', 'cursor=abc'],
    ['empty', 'cursor='],
    ['a UUID', `cursor=${ID}`],
    ['with a character more', `cursor=${CURSOR}A`],
    ['with SQL', `cursor=${Buffer.from("1.' OR 1=1--").toString('base64url')}`],
    ['two', `cursor=${CURSOR}&cursor=${CURSOR}`],
  ])('of sessions is refused: %s', async (_, query) => {
    await expectRefused(`${SESSIONS}?${query}`, 'cursor is malformed');
  });

  it.each([
    ['malformed', 'before=abc', ['before must be an integer number']],
    ['negative', 'after=-1', ['after must not be less than 0']],
    [
      'larger than any seq',
      'after=4294967296',
      ['after must not be greater than 4294967295'],
    ],
    [
      'the same twice',
      'around=1&around=2',
      ['around must be an integer number'],
    ],
    [
      'two',
      'before=5&after=1',
      [
        'before cannot be used together with after or around',
        'after cannot be used together with before or around',
      ],
    ],
  ])('of messages is refused: %s', async (_, query, problems) => {
    await expectRefused(`${MESSAGES}?${query}`, ...problems);
  });
});
