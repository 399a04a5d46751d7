import { beforeAll, describe, expect, it } from 'vitest';
import {
  createSession,
  errorBody,
  getSession,
  validationErrors,
} from '../support/api.js';
import { asOwner } from '../support/owners.js';
import {
  type Method,
  type TestResponse,
  useTestApp,
} from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSION = `/api/chat-sessions/${ID}`;

beforeAll(async () => {
  await createSession(alice, { id: ID });
});

describe('X-HTTP-Method-Override', () => {
  const overriding = (method: Method) => ({
    'x-http-method-override': method,
    'x-http-method': method,
    'x-method-override': method,
  });

  it('is ignored in a GET', async () => {
    const response = await alice.send(
      'GET',
      SESSION,
      undefined,
      overriding('DELETE'),
    );
    expect(response.status).toBe(200);
    expect((await getSession(alice, ID)).id).toBe(ID);
  });

  it.each([
    ['PATCH', { title: 'Overridden' }],
    ['DELETE', undefined],
    ['GET', undefined],
  ] as const)('is ignored in a POST: %s', async (method, body) => {
    const response = await alice.send(
      'POST',
      SESSION,
      body,
      overriding(method),
    );
    expect(response.status).toBe(404);
    expect(response.body).toEqual(errorBody(`Cannot POST ${SESSION}`));
    expect((await getSession(alice, ID)).title).toBeNull();
  });

  it('is an unknown field in a query', async () => {
    const response = await alice.send('GET', `${SESSION}?_method=DELETE`);
    expect(response.status).toBe(400);
    expect(response.body).toEqual(
      validationErrors('_method is not a known field'),
    );
  });
});

describe('a forged Host', () => {
  const forged = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'evil',
    forwarded: 'host=evil.example;proto=evil',
  };

  function expectNothingOf(response: TestResponse) {
    const all = JSON.stringify(response.headers) + response.text;
    expect(all).not.toContain('evil');
  }

  it.each<[Method, string, number]>([
    ['GET', SESSION, 200],
    ['GET', '/api/chat-sessions', 200],
    ['POST', '/api/chat-sessions', 201],
    ['GET', '/api/chat-sessions/abc', 400],
    ['GET', '/api/%zz', 400],
    ['GET', '/api/nothing', 404],
    ['GET', '/health/live', 200],
    ['GET', '/api/docs', 200],
    ['GET', '/api/docs/', 200],
    ['GET', '/api/docs-json', 200],
    ['GET', '/api/docs/swagger-ui-init.js', 200],
  ])('is not in the response: %s %s', async (method, path, status) => {
    const body = method === 'POST' ? {} : undefined;
    const response = await alice.send(method, path, body, forged);
    expect(response.status).toBe(status);
    expectNothingOf(response);
  });

  it('is not in a 401', async () => {
    const response = await api.send('GET', SESSION, undefined, forged);
    expect(response.status).toBe(401);
    expectNothingOf(response);
  });
});
