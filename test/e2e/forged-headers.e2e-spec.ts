import { beforeAll, describe, expect, it } from 'vitest';
import {
  A_UUID,
  createSession,
  errorBody,
  getSession,
  numbers,
  validationErrors,
} from '../support/api.js';
import { asOwner } from '../support/owners.js';
import {
  type TestResponse,
  type Method,
  type TestApp,
  useTestApp,
} from '../support/test-app.js';
import { as, JWT_MODE, signToken } from '../support/tokens.js';

// Bad input and what it gets: from clients that pretend, and that are too many at once.

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');

const ID = '01938f5e-0000-7000-8000-000000000001';
const SESSION = `/api/chat-sessions/${ID}`;

beforeAll(async () => {
  await createSession(alice, { id: ID });
});

describe('evil Origin: no Access-Control-Allow-Origin', () => {
  const CHAT = 'https://chat.example';
  const withOrigins = useTestApp({
    environment: { ...JWT_MODE, CORS_ORIGINS: `${CHAT},https://other.example` },
  });

  /** The headers for browsers, of a request and of the question before it. */
  async function corsHeaders(app: TestApp, origin: string) {
    const request = {
      url: '/api/history',
      headers: { origin, ...(await as('alice')) },
    };
    const preflight = {
      ...request,
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      },
    } as const;
    const answers = [
      await app.app.inject(request),
      await app.app.inject(preflight),
    ];
    return answers.map(({ headers }) => headers['access-control-allow-origin']);
  }

  it.each([CHAT, 'https://evil.example', 'null', ''])(
    'without CORS_ORIGINS: %j',
    async (origin) => {
      expect(await corsHeaders(api, origin)).toEqual([undefined, undefined]);
    },
  );

  it.each([
    'https://evil.example',
    'null',
    '',
    '*',
    'http://chat.example',
    'https://chat.example:8443',
    'https://chat.example.evil.example',
    'https://evil-chat.example',
    'https://chat.example/',
    'https://chat.example https://evil.example',
    'https://other.example,https://evil.example',
  ])('with CORS_ORIGINS of others: %j', async (origin) => {
    expect(await corsHeaders(withOrigins, origin)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('but for one of CORS_ORIGINS', async () => {
    expect(await corsHeaders(withOrigins, CHAT)).toEqual([CHAT, CHAT]);
  });
});

describe('412', () => {
  it('49 times, and one 200, for 50 PATCH with one ETag', async () => {
    const { id } = await createSession(alice);
    const path = `/api/chat-sessions/${id}`;
    const { headers } = await alice.send('GET', path);
    const ifMatch = { 'if-match': headers.etag! };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        alice.send('PATCH', path, { title: `title ${n}` }, ifMatch),
      ),
    );
    const losers = answers.filter(({ status }) => status === 412);
    expect(losers).toHaveLength(49);
    for (const { body } of losers) {
      expect(body).toEqual(
        errorBody('Chat session has changed since the version of If-Match'),
      );
    }
    const title = `title ${answers.findIndex(({ status }) => status === 200)}`;
    expect(await getSession(alice, id)).toMatchObject({ version: 2, title });
  });
});

describe('429 is not escaped', () => {
  const LIMITED = { ...JWT_MODE, RATE_LIMIT: '3', RATE_LIMIT_WRITES: '3' };
  const PROXY = '127.0.0.1';
  const direct = useTestApp({ environment: LIMITED });
  const proxied = useTestApp({
    environment: { ...LIMITED, TRUSTED_PROXIES: PROXY },
  });

  /** Another client in each request, by every header that ever said so. */
  const rotated = (n: number) => ({
    'x-forwarded-for': `198.51.100.${n}`,
    'x-real-ip': `198.51.100.${n}`,
    'x-client-ip': `198.51.100.${n}`,
    'cf-connecting-ip': `198.51.100.${n}`,
    'true-client-ip': `198.51.100.${n}`,
    forwarded: `for=198.51.100.${n}`,
  });

  const READ = { method: 'GET', url: '/api/history' } as const;
  const CREATE = {
    method: 'POST',
    url: '/api/chat-sessions',
    payload: {},
  } as const;

  /** What five requests get, whose headers depend on their number. */
  async function statuses(
    app: TestApp,
    request: typeof READ | typeof CREATE,
    remoteAddress: string,
    headersOf: (n: number) => Record<string, string>,
  ) {
    const all: number[] = [];
    for (let n = 1; n <= 5; n++) {
      const headers = headersOf(n);
      const answer = await app.app.inject({
        ...request,
        remoteAddress,
        headers,
      });
      all.push(answer.statusCode);
      if (answer.statusCode !== 429) continue;
      expect(answer.json()).toEqual(errorBody('Too many requests'));
      expect(answer.headers['retry-after']).toMatch(/^(5\d|60)$/);
    }
    return all;
  }

  const limited = (status: number) => [status, status, status, 429, 429];

  it.each([
    ['no proxy is trusted', direct, PROXY],
    ['it comes from elsewhere than the trusted proxy', proxied, '192.0.2.1'],
  ])('by a rotated X-Forwarded-For where %s', async (_, app, address) => {
    expect(await statuses(app, READ, address, rotated)).toEqual(limited(401));
  });

  it.each([
    ['no proxy is trusted', direct],
    ['a proxy is trusted', proxied],
  ])('by an owner who rotates X-Forwarded-For where %s', async (_, app) => {
    const token = await as('dora');
    const headersOf = (n: number) => ({ ...rotated(n), ...token });
    const reads = await statuses(app, READ, PROXY, headersOf);
    expect(reads).toEqual(limited(200));
    const writes = await statuses(app, CREATE, PROXY, headersOf);
    expect(writes).toEqual(limited(201));
  });

  it('by an owner who rotates tokens', async () => {
    const tokens = await Promise.all(
      numbers(1, 5).map((n) => signToken({ sub: 'emil', jti: String(n) })),
    );
    const headersOf = (n: number) => ({
      authorization: `Bearer ${tokens[n - 1]}`,
    });
    const reads = await statuses(direct, READ, PROXY, headersOf);
    expect(reads).toEqual(limited(200));
  });

  it('by what a client writes in front of the address that the proxy adds', async () => {
    const reads = await statuses(proxied, READ, PROXY, (n) => ({
      'x-forwarded-for': `198.51.100.${n}, 203.0.113.9`,
    }));
    expect(reads).toEqual(limited(401));
  });

  it('but each client has a count of its own behind a trusted proxy', async () => {
    const reads = await statuses(proxied, READ, PROXY, rotated);
    expect(reads).toEqual([401, 401, 401, 401, 401]);
  });
});

describe('X-Request-Id', () => {
  it('of 5 KB is replaced', async () => {
    const long = 'x'.repeat(5 * 1024);
    const answer = await alice.send('GET', SESSION, undefined, {
      'x-request-id': long,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-request-id']).toEqual(A_UUID);
  });
});

describe('X-HTTP-Method-Override is ignored', () => {
  const overriding = (method: Method) => ({
    'x-http-method-override': method,
    'x-http-method': method,
    'x-method-override': method,
  });

  it('by a GET that would delete', async () => {
    const answer = await alice.send(
      'GET',
      SESSION,
      undefined,
      overriding('DELETE'),
    );
    expect(answer.status).toBe(200);
    expect((await getSession(alice, ID)).id).toBe(ID);
  });

  it.each([
    ['PATCH', { title: 'Overridden' }],
    ['DELETE', undefined],
    ['GET', undefined],
  ] as const)('by a POST that would be %s', async (method, body) => {
    const answer = await alice.send('POST', SESSION, body, overriding(method));
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual(errorBody(`Cannot POST ${SESSION}`));
    expect((await getSession(alice, ID)).title).toBeNull();
  });

  it('in the query, where it is an unknown field', async () => {
    const answer = await alice.send('GET', `${SESSION}?_method=DELETE`);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(
      validationErrors('_method is not a known field'),
    );
  });
});

describe('a forged Host is not reflected', () => {
  const forged = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'evil',
    forwarded: 'host=evil.example;proto=evil',
  };

  function expectNothingOf(answer: TestResponse) {
    const all = JSON.stringify(answer.headers) + answer.text;
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
  ])('by %s %s', async (method, path, status) => {
    const body = method === 'POST' ? {} : undefined;
    const answer = await alice.send(method, path, body, forged);
    expect(answer.status).toBe(status);
    expectNothingOf(answer);
  });

  it('by a 401', async () => {
    const answer = await api.send('GET', SESSION, undefined, forged);
    expect(answer.status).toBe(401);
    expectNothingOf(answer);
  });
});
