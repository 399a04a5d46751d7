import { beforeAll, describe, expect, it } from 'vitest';
import {
  createSession,
  errorBody,
  numbers,
  validationErrors,
} from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSIONS = '/api/chat-sessions';
const MESSAGES = `${SESSIONS}/${ID}/messages`;

beforeAll(async () => {
  await createSession(api, { id: ID });
});

function detailsOf(body: unknown): string[] {
  const { details, ...others } = body as { details: string[] };
  expect(others).toEqual(errorBody('Validation failed'));
  return details;
}

describe('details of a 400', () => {
  it('name each field of a session', async () => {
    const response = await api.send('POST', SESSIONS, {
      id: 1,
      title: {},
      document_id: 3,
      section_id: ['x'],
      context_documents: 'x',
      config: null,
      metadata: 'x',
      messages: {},
    });
    expect(response.status).toBe(400);
    const rule =
      'must be 1 to 191 characters, without control characters and without white space at either end';
    expect(detailsOf(response.body).toSorted()).toEqual([
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

  it('name each field of a batch with the index of its message', async () => {
    const wrong = {
      id: 1,
      role: 'user',
      content: ['x'],
      parts: 'x',
      references: {},
      metadata: [],
    };
    const response = await api.send('POST', MESSAGES, {
      messages: [{ role: 'user', content: 'x' }, wrong, { content: 'x' }],
    });
    expect(response.status).toBe(400);
    expect(detailsOf(response.body).toSorted()).toEqual([
      'messages.1.content must be a string',
      'messages.1.id must be 1 to 255 characters, without control characters and without white space at either end, and not . or ..',
      'messages.1.metadata must be an object',
      'messages.1.parts must be an array',
      'messages.1.references must be an array',
      'messages.2.role must be one of the following values: system, developer, user, assistant, tool',
    ]);
  });

  it('name each unknown field of a batch with the index of its message', async () => {
    const response = await api.send('POST', MESSAGES, {
      messages: [{ role: 'user', content: 'x', seq: 1, owner_id: 'me' }],
    });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors(
        'messages.0.seq is not a known field',
        'messages.0.owner_id is not a known field',
      ),
    );
  });

  it.each([null, 'x', 1, []])('say that %j is no message', async (item) => {
    const response = await api.send('POST', MESSAGES, {
      messages: [{ role: 'user', content: 'x' }, item],
    });
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors('each value in messages must be an object'),
    );
  });

  // class-validator reads the constructor of what it validates.
  describe.each([SESSIONS, MESSAGES])('of POST %s', (path) => {
    it.each([
      [{ constructor: null }, 'messages must be an array'],
      [[[{ constructor: null }]], 'each value in messages must be an object'],
    ])('say what is wrong with %j', async (messages, problem) => {
      const response = await api.send('POST', path, { messages });
      expect(response.status).toBe(400);
      expect(response.body).toEqual(validationErrors(problem));
    });
  });
});

describe('a 400 of a very large body', () => {
  it('has 101 details of at most 300 characters', async () => {
    const names = numbers(0, 239_999).map((n) => `f${n}`);
    const body = JSON.stringify({
      ['x'.repeat(1000)]: 1,
      ...Object.fromEntries(names.map((name) => [name, 1])),
    });
    const response = await api.send('POST', SESSIONS, body);
    expect(response.status).toBe(400);
    const details = detailsOf(response.body);
    expect(details).toHaveLength(101);
    expect(details[0]).toBe('x'.repeat(300));
    expect(details[1]).toBe('f0 is not a known field');
    expect(details.at(-1)).toBe('and 239901 more');
  });

  it('has 101 details for a message with 200,000 unknown fields', async () => {
    const fields = numbers(0, 199_999).map((n) => [`k${n}`, 1] as const);
    const message = {
      role: 'user',
      content: 'Hello',
      ...Object.fromEntries(fields),
    };
    const expected = (path: string) =>
      validationErrors(
        ...fields
          .slice(0, 100)
          .map(([key]) => `${path}${key} is not a known field`),
        'and 199900 more',
      );
    for (const [path, body, prefix] of [
      [MESSAGES, message, ''],
      [MESSAGES, { messages: [message] }, 'messages.0.'],
      [SESSIONS, { messages: [message] }, 'messages.0.'],
    ] as const) {
      const response = await api.send('POST', path, body);
      expect(response.status).toBe(400);
      expect(response.body).toEqual(expected(prefix));
    }
  });

  it.each([SESSIONS, MESSAGES])(
    'has one detail for 100,000 messages: POST %s',
    async (path) => {
      const body = `{"messages":[${Array(100_000).fill('{}').join()}]}`;
      const response = await api.send('POST', path, body);
      expect(response.status).toBe(400);
      expect(response.body).toEqual(
        validationErrors('messages must contain no more than 100 elements'),
      );
    },
  );
});
