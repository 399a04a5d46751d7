import { beforeAll, describe, expect, it } from 'vitest';
import {
  createSession,
  errorBody,
  listSessions,
  validationErrors,
} from '../support/api.js';
import { asOwner } from '../support/owners.js';
import { type Method, useTestApp } from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');
const bob = asOwner(api, 'bob');

const ID = '01938f5e-0000-7000-8000-000000000001';
const BOBS_ID = '01938f5e-0000-7000-8000-000000000002';
const SESSIONS = '/api/chat-sessions';
const SESSION = `${SESSIONS}/${ID}`;
const MESSAGES = `${SESSION}/messages`;

const OPAQUE_ID_RULE =
  'must be 1 to 191 characters, without control characters and without white space at either end';
const MESSAGE_ID_RULE =
  'must be 1 to 255 characters, without control characters and without white space at either end, and not . or ..';
const ROLE_RULE =
  'role must be one of the following values: system, developer, user, assistant, tool';

const hello = { role: 'user', content: 'Hello' };

async function expectRefused(
  method: Method,
  path: string,
  body: object,
  expected: object,
) {
  const response = await alice.send(method, path, body);
  expect(response.status).toBe(400);
  expect(response.body).toEqual(expected);
}

beforeAll(async () => {
  await createSession(alice, { id: ID });
  await createSession(bob, { id: BOBS_ID });
});

describe.each([
  ['POST', SESSIONS, { title: 'x' }],
  ['PATCH', `${SESSIONS}/${BOBS_ID}`, { title: 'x' }],
  ['PUT', `${SESSIONS}/${BOBS_ID}/config`, { config: {} }],
  ['POST', `${SESSIONS}/${BOBS_ID}/messages`, hello],
] as const)('%s %s', (method, path, valid) => {
  it('accepts its own fields', async () => {
    const response = await bob.send(method, path, valid);
    expect([200, 201]).toContain(response.status);
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
  ])('refuses the field %s', async (field) => {
    const response = await bob.send(method, path, { ...valid, [field]: 1 });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors(`${field} is not a known field`),
    );
  });
});

describe('a message is refused', () => {
  it.each([
    ['an unknown field', { nope: 1 }, 'nope is not a known field'],
    ['owner_id', { owner_id: 'bob' }, 'owner_id is not a known field'],
    ['seq', { seq: 7 }, 'seq is not a known field'],
    ['created_at', { created_at: 0 }, 'created_at is not a known field'],
    ['an unknown role', { role: 'admin' }, ROLE_RULE],
    ['a role in capitals', { role: 'User' }, ROLE_RULE],
    ['no role', { role: undefined }, ROLE_RULE],
    ['content of another type', { content: 7 }, 'content must be a string'],
    ['parts of another type', { parts: {} }, 'parts must be an array'],
    [
      'metadata of another type',
      { metadata: [] },
      'metadata must be an object',
    ],
    [
      'an id of 300 characters',
      { id: 'x'.repeat(300) },
      `id ${MESSAGE_ID_RULE}`,
    ],
    [
      'content of 1 MiB and a character',
      { content: `${'😀'.repeat(256 * 1024)}x` },
      'content must be at most 1048576 bytes long',
    ],
  ])('alone and in a batch: %s', async (_, fields, problem) => {
    const message = { ...hello, ...fields };
    await expectRefused('POST', MESSAGES, message, validationErrors(problem));
    await expectRefused(
      'POST',
      MESSAGES,
      { messages: [hello, message] },
      validationErrors(`messages.1.${problem}`),
    );
  });

  it.each([
    ['blank content', ' \n\t\u00a0\u2028'],
    ['empty content', ''],
    ['no content', undefined],
  ])('alone, in a batch and in a new session: %s', async (_, content) => {
    const message = { role: 'user', content };
    const messages = [hello, message];
    const expected = errorBody('Message cannot be empty');
    await expectRefused('POST', MESSAGES, message, expected);
    await expectRefused('POST', MESSAGES, { messages }, expected);
    await expectRefused('POST', SESSIONS, { messages }, expected);
  });
});

describe('a session is refused', () => {
  it.each([
    ['an unknown field', { nope: 1 }, 'nope is not a known field'],
    ['owner_id', { owner_id: 'bob' }, 'owner_id is not a known field'],
    ['version', { version: 7 }, 'version is not a known field'],
    ['created_at', { created_at: 0 }, 'created_at is not a known field'],
    ['updated_at', { updated_at: 0 }, 'updated_at is not a known field'],
    ['a title of another type', { title: 7 }, 'title must be a string'],
    [
      'metadata of another type',
      { metadata: 'x' },
      'metadata must be an object',
    ],
    ['a blank title', { title: ' ' }, 'title must not be blank'],
  ])('in POST and PATCH: %s', async (_, body, problem) => {
    const expected = validationErrors(problem);
    await expectRefused('POST', SESSIONS, body, expected);
    await expectRefused('PATCH', SESSION, body, expected);
  });

  it.each([
    ['no UUID', 'abc'],
    ['a path', '../'],
    ['300 characters', 'x'.repeat(300)],
    ['a number', 7],
  ])('if its id is %s', async (_, id) => {
    const expected = validationErrors('id must be a UUID');
    await expectRefused('POST', SESSIONS, { id }, expected);
  });

  it.each([' doc', 'doc ', 'doc\n', 'd\u0007c', ' ', '', 'x'.repeat(192)])(
    'if its document or section is %j',
    async (id) => {
      for (const field of ['document_id', 'section_id']) {
        const body = { document_id: 'doc', [field]: id };
        const expected = validationErrors(`${field} ${OPAQUE_ID_RULE}`);
        await expectRefused('POST', SESSIONS, body, expected);
      }
    },
  );
});

describe('a refused request', () => {
  it('changes nothing', async () => {
    const { chat_sessions } = await listSessions(alice);
    expect(chat_sessions).toMatchObject([
      { id: ID, version: 1, message_count: 0 },
    ]);
  });
});
