import { beforeAll, describe, expect, it } from 'vitest';
import { createSession, errorBody, validationErrors } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();

const ID = '01938f5e-0000-7000-8000-000000000001';

beforeAll(async () => {
  await createSession(api, { id: ID });
});

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
    ['a path upwards', '..%2f'],
    ['a path further upwards', '%2e%2e%2f%2e%2e'],
    ['letters', 'abc'],
    ['a number', '-1'],
    ['null', 'null'],
    ['a wildcard', '*'],
    ['a UUID and a space', `${ID}%20`],
    ['a UUID and NUL', `${ID}%00`],
    ['a UUID and a digit', `${ID}0`],
    ['a UUID in braces', `%7B${ID}%7D`],
    ['a UUID without dashes', ID.replaceAll('-', '')],
    ['a letter that is no digit', ID.replace('0', 'g')],
    ['a digit beyond ASCII', ID.replace('0', '%EF%BC%90')],
    ['an emoji', '%F0%9F%98%80'],
    ['SQL', "'%20OR%201=1--"],
    ['300 characters', 'x'.repeat(300)],
    ['8,000 characters', 'x'.repeat(8000)],
  ])('refuses %s', async (_, id) => {
    const answer = await api.send(
      method,
      `/api/chat-sessions/${id}${suffix}`,
      body,
    );
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(validationErrors('session_id must be a UUID'));
  });

  it.each(['%zz', '%', '%ED%A0%80', '%ff'])(
    'refuses %s, which encodes nothing',
    async (id) => {
      const path = `/api/chat-sessions/${id}${suffix}`;
      const answer = await api.send(method, path, body, {
        'x-request-id': 'mine',
      });
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        errorBody(`'${path}' is not a valid url component`),
      );
      expect(answer.headers['x-request-id']).toBe('mine');
    },
  );
});

describe('GET /api/chat-sessions/:session_id/messages/:message_id', () => {
  it.each(['%00', '..%2f', 'a%20b', 'a.b', '%C3%A4', 'a%0A', 'x'.repeat(65)])(
    'refuses %s',
    async (id) => {
      const answer = await api.send(
        'GET',
        `/api/chat-sessions/${ID}/messages/${id}`,
      );
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        validationErrors(
          'message_id must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -',
        ),
      );
    },
  );
});

describe.each([
  '/api/chat-sessions',
  `/api/chat-sessions/${ID}`,
  `/api/chat-sessions/${ID}/messages`,
])('GET %s', (path) => {
  it.each(['unknown', 'Limit', '__proto__', 'constructor', 'owner_id'])(
    'refuses the unknown ?%s=1',
    async (name) => {
      const answer = await api.send('GET', `${path}?${name}=1`);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        validationErrors(`${name} is not a known field`),
      );
    },
  );

  it('is there without a query, and with an empty one', async () => {
    expect((await api.send('GET', path)).status).toBe(200);
    expect((await api.send('GET', `${path}?`)).status).toBe(200);
  });
});

describe('an unknown route', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/api'],
    ['GET', '/api/nothing'],
    ['GET', '/chat-sessions'],
    ['GET', '/api/Chat-Sessions'],
    ['PUT', '/api/chat-sessions'],
    ['DELETE', '/api/chat-sessions'],
    ['GET', `/api/chat-sessions/${ID}/config`],
    ['PATCH', `/api/chat-sessions/${ID}/messages/mine`],
    ['POST', '/api/history'],
  ] as const)('is 404: %s %s', async (method, path) => {
    const answer = await api.send(method, path, undefined, {
      'x-request-id': 'mine',
    });
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(errorBody(`Cannot ${method} ${path}`));
    expect(answer.headers['x-request-id']).toBe('mine');
  });
});
