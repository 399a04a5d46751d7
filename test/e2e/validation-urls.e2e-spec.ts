import { beforeAll, describe, expect, it } from 'vitest';
import { createSession, validationErrors } from '../support/api.js';
import { asOwner } from '../support/owners.js';
import { useTestApp } from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

// Bad input and what it gets: 400 for a URL.

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSIONS = '/api/chat-sessions';
const MESSAGES = `${SESSIONS}/${ID}/messages`;

const OPAQUE_ID_RULE =
  'must be 1 to 191 characters, without control characters and without white space at either end';
const MESSAGE_ID_RULE = 'must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -';

beforeAll(async () => {
  await createSession(alice, { id: ID });
});

describe('400: an id in the URL', () => {
  it.each([
    ['that is not a UUID', 'abc'],
    ['that is nearly a UUID', `${ID}0`],
    ['%00', '%00'],
    ['a UUID and %00', `${ID}%00`],
    ['../', '..%2f'],
    ['../ in dots', '%2e%2e%2f'],
    ['300 characters', 'x'.repeat(300)],
    ["' OR 1=1--", "'%20OR%201=1--"],
  ])('%s', async (_, id) => {
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', {}],
      ['DELETE', '', undefined],
      ['POST', '/messages', { role: 'user', content: 'x' }],
    ] as const) {
      const answer = await alice.send(method, `${SESSIONS}/${id}${path}`, body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        validationErrors('session_id must be a UUID'),
      );
    }
  });

  it.each(['%00', '..%2f', 'x'.repeat(300)])('of a message: %s', async (id) => {
    const answer = await alice.send('GET', `${MESSAGES}/${id}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      validationErrors(`message_id ${MESSAGE_ID_RULE}`),
    );
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
])('400: a document or section id with %s', (_, id) => {
  const inUrl = encodeURIComponent(id);

  it.each([
    ['document_id', `/api/documents/${inUrl}/sections/sec/chat-session`],
    ['section_id', `/api/documents/doc/sections/${inUrl}/chat-session`],
  ])('in the path: %s', async (field, path) => {
    const answer = await alice.send('POST', path);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(validationErrors(`${field} ${OPAQUE_ID_RULE}`));
  });

  it.each(['document_id', 'section_id'])('in the query: %s', async (field) => {
    const query = new URLSearchParams({ document_id: 'doc', [field]: id });
    const answer = await alice.send('GET', `${SESSIONS}?${query.toString()}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(validationErrors(`${field} ${OPAQUE_ID_RULE}`));
  });
});

describe.each([
  [SESSIONS, 100],
  [MESSAGES, 200],
])('400: GET %s', (path, max) => {
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
  ])('?%s', async (query, mistake) => {
    const answer = await alice.send('GET', `${path}?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(validationErrors(mistake));
  });
});

describe('400: a cursor', () => {
  const CURSOR = Buffer.from(`1795392000000.${ID}`).toString('base64url');

  it.each([
    ['malformed', 'cursor=abc'],
    ['empty', 'cursor='],
    ['of another kind', `cursor=${ID}`],
    ['with a character more', `cursor=${CURSOR}A`],
    ['with SQL', `cursor=${Buffer.from("1.' OR 1=1--").toString('base64url')}`],
    ['two at once', `cursor=${CURSOR}&cursor=${CURSOR}`],
  ])('of a list: %s', async (_, query) => {
    const answer = await alice.send('GET', `${SESSIONS}?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(validationErrors('cursor is malformed'));
  });

  it.each([
    ['malformed', 'before=abc', ['before must be an integer number']],
    ['negative', 'after=-1', ['after must not be less than 0']],
    [
      'past any seq',
      'after=4294967296',
      ['after must not be greater than 4294967295'],
    ],
    [
      'the same twice',
      'around=1&around=2',
      ['around must be an integer number'],
    ],
    [
      'two at once',
      'before=5&after=1',
      [
        'before cannot be used together with after or around',
        'after cannot be used together with before or around',
      ],
    ],
  ])('of messages: %s', async (_, query, mistakes) => {
    const answer = await alice.send('GET', `${MESSAGES}?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(validationErrors(...mistakes));
  });
});
