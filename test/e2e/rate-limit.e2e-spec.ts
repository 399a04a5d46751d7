import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSession, errorBody, numbers } from '../support/api.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { type TestApp, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE, signToken } from '../support/tokens.js';

// A count lasts for a minute, so each test has owners and addresses of its own.
const LIMITS = {
  RATE_LIMIT: '5',
  RATE_LIMIT_WRITES: '3',
  RATE_LIMIT_OUTPUTS: '7',
};
/** Matches the seconds that are left of that minute. */
const SECONDS_LEFT = /^([1-9]|[1-5]\d|60)$/;

describe('RATE_LIMIT', () => {
  const api = useTestApp({ environment: { ...JWT_MODE, ...LIMITS } });

  it('counts the reads of an owner on all routes', async () => {
    const headers = await as('reader');
    const paths = ['history', 'chat-sessions', 'session/history'];
    for (const [index, path] of [...paths, ...paths].slice(0, 5).entries()) {
      const response = await api.send(
        'GET',
        `/api/${path}`,
        undefined,
        headers,
      );
      expect(response.status).toBe(200);
      expect(response.headers).toMatchObject({
        'x-ratelimit-limit': '5',
        'x-ratelimit-remaining': String(4 - index),
        'x-ratelimit-reset': expect.stringMatching(SECONDS_LEFT) as string,
      });
    }
    const response = await api.send('GET', '/api/history', undefined, headers);
    expect(response.status).toBe(429);
    expect(response.body).toEqual(errorBody('Too many requests'));
    expect(response.headers['retry-after']).toMatch(SECONDS_LEFT);
  });

  it('counts writes separately from reads', async () => {
    const headers = await as('writer');
    const create = () => api.send('POST', '/api/chat-sessions', {}, headers);
    for (let i = 0; i < 3; i++) {
      const response = await create();
      expect(response.status).toBe(201);
      expect(response.headers['x-ratelimit-limit']).toBe('3');
    }
    expect((await create()).status).toBe(429);
    const read = await api.send('GET', '/api/history', undefined, headers);
    expect(read.status).toBe(200);
  });

  it('counts what is sent to a run apart, so that it can be written and stopped', async () => {
    const headers = await as('asker');
    const send = (path: string, body: object) =>
      api.send<{ code?: string }>('POST', path, body, headers);
    const id = '01938f5e-0000-7000-8000-0000000000bb';
    await send('/api/chat-sessions', { id });
    const runs = `/api/chat-sessions/${id}/runs`;
    await send(runs, { id: 'r' });
    await send(runs, { id: 's' });
    expect((await send(runs, { id: 's' })).status).toBe(429);
    for (let offset = 0; offset < 5; offset++) {
      const output = { fence: 1, offset, text: 'x' };
      const response = await send(`${runs}/r/output`, output);
      expect(response.status).toBe(200);
      expect(response.headers['x-ratelimit-limit']).toBe('7');
    }
    expect((await send(`${runs}/r/cancel`, {})).status).toBe(200);
    expect((await send(`${runs}/r/cancel`, {})).status).toBe(200);
    expect((await send(`${runs}/r/cancel`, {})).status).toBe(429);
  });

  it('counts requests that are answered 400', async () => {
    const headers = await as('careless');
    const ask = () =>
      api.send('GET', '/api/chat-sessions/abc', undefined, headers);
    for (let i = 0; i < 5; i++) expect((await ask()).status).toBe(400);
    expect((await ask()).status).toBe(429);
  });

  it('counts each owner separately, with any token', async () => {
    for (let i = 0; i < 5; i++) {
      const one = await api.send(
        'GET',
        '/api/history',
        undefined,
        await as('one'),
      );
      expect(one.status).toBe(200);
    }
    const again = await api.send(
      'GET',
      '/api/history',
      undefined,
      await as('one'),
    );
    expect(again.status).toBe(429);
    const two = await api.send(
      'GET',
      '/api/history',
      undefined,
      await as('two'),
    );
    expect(two.status).toBe(200);
  });

  it('counts requests without a valid token by address', async () => {
    const statusFrom = async (remoteAddress: string, token: string) => {
      const { statusCode } = await api.app.inject({
        url: '/api/history',
        remoteAddress,
        headers: { authorization: `Bearer ${token}` },
      });
      return statusCode;
    };
    const statuses = [];
    for (let i = 0; i < 7; i++) {
      statuses.push(await statusFrom('192.0.2.1', `a.b.${i}`));
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(await statusFrom('192.0.2.2', 'a.b.c')).toBe(401);
    // The address does not count for an owner.
    const { authorization } = await as('neighbour');
    expect(await statusFrom('192.0.2.1', authorization.slice(7))).toBe(200);
  });

  it('counts all addresses of an IPv6 /64 as one', async () => {
    const statuses = [];
    for (let i = 0; i < 6; i++) {
      const { statusCode } = await api.app.inject({
        url: '/api/history',
        remoteAddress: `2001:db8:0:1::${i}`,
      });
      statuses.push(statusCode);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });

  it('does not count the health routes', async () => {
    for (let i = 0; i < 10; i++) {
      const { status, headers } = await api.send('GET', '/health/live');
      expect(status).toBe(200);
      expect(headers).not.toHaveProperty('x-ratelimit-limit');
    }
  });
});

describe('RATE_LIMIT cannot be evaded', () => {
  const LIMITED = { ...JWT_MODE, RATE_LIMIT: '3', RATE_LIMIT_WRITES: '3' };
  const PROXY = '127.0.0.1';
  const direct = useTestApp({ environment: LIMITED });
  const socketed = useTestApp({ environment: LIMITED });
  const proxied = useTestApp({
    environment: {
      ...LIMITED,
      TRUSTED_PROXIES: `${PROXY},10.0.0.0/8,fd00::/8`,
    },
  });

  /** Names another client in each request, by every header that some proxy uses. */
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

  /** The statuses of five requests. */
  async function statuses(
    { app }: TestApp,
    request: (typeof READ | typeof CREATE) & { remoteAddress: string },
    headersOf: (n: number) => Record<string, string>,
  ) {
    const all: number[] = [];
    for (let n = 1; n <= 5; n++) {
      const headers = headersOf(n);
      const response = await app.inject({ ...request, headers });
      all.push(response.statusCode);
      if (response.statusCode !== 429) continue;
      expect(response.json()).toEqual(errorBody('Too many requests'));
      expect(response.headers['retry-after']).toMatch(SECONDS_LEFT);
    }
    return all;
  }

  const limited = (status: number) => [status, status, status, 429, 429];
  const read = { ...READ, remoteAddress: PROXY };
  const create = { ...CREATE, remoteAddress: PROXY };

  it.each([
    ['no proxy is trusted', direct, PROXY],
    ['the request comes past the proxy', proxied, '192.0.2.1'],
  ])('with X-Forwarded-For if %s', async (_, app, remoteAddress) => {
    const request = { ...READ, remoteAddress };
    expect(await statuses(app, request, rotated)).toEqual(limited(401));
  });

  it.each([
    ['no proxy is trusted', direct],
    ['a proxy is trusted', proxied],
  ])('by an owner with X-Forwarded-For if %s', async (_, app) => {
    const token = await as('dora');
    const headersOf = (n: number) => ({ ...rotated(n), ...token });
    expect(await statuses(app, read, headersOf)).toEqual(limited(200));
    expect(await statuses(app, create, headersOf)).toEqual(limited(201));
  });

  it('by an owner with many tokens', async () => {
    const tokens = await Promise.all(
      numbers(1, 5).map((n) => signToken({ sub: 'emil', jti: String(n) })),
    );
    const headersOf = (n: number) => ({
      authorization: `Bearer ${tokens[n - 1]}`,
    });
    expect(await statuses(direct, read, headersOf)).toEqual(limited(200));
  });

  it('with addresses in front of the one that the proxy adds', async () => {
    const headersOf = (n: number) => ({
      'x-forwarded-for': `198.51.100.${n}, 203.0.113.9`,
    });
    expect(await statuses(proxied, read, headersOf)).toEqual(limited(401));
  });

  it.each([
    ['ports', (n: number) => `198.51.100.7:${50_000 + n}`],
    ['ports and brackets', (n: number) => `[2001:db8::7]:${50_000 + n}`],
    ['brackets', () => '[2001:db8:0:1::8]'],
    ['zones', (n: number) => `fe80::9%eth${n}`],
    [
      'no addresses',
      (n: number) => ['unknown', '_hidden', 'x', '198.51.100', '-'][n - 1]!,
    ],
    [
      'a list of 1,000',
      (n: number) => `${'198.51.100.1, '.repeat(999 + n)}203.0.113.10`,
    ],
  ])('with %s that a trusted proxy adds', async (_, entry) => {
    const headersOf = (n: number) => ({ 'x-forwarded-for': entry(n) });
    expect(await statuses(proxied, read, headersOf)).toEqual(limited(401));
  });

  it('without an address, on a Unix socket', async () => {
    const socketPath = join(temporaryDirectory(), 'socket');
    await socketed.app.listen(socketPath);
    const all: (number | undefined)[] = [];
    for (let n = 1; n <= 5; n++) {
      const sent = get({ socketPath, path: READ.url });
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.resume();
      all.push(response.statusCode);
    }
    expect(all).toEqual(limited(401));
  });

  it.each([
    ['a port', '10.0.0.2:443', 20],
    ['brackets', '[fd00::2]', 30],
    ['a port and brackets', '[fd00::2]:443', 40],
    ['a zone', 'fd00::2%eth0', 50],
  ])(
    'behind a trusted proxy that is written with %s',
    async (_, second, first) => {
      const headersOf = (n: number) => ({
        'x-forwarded-for': `198.51.100.${n}, ${second}`,
      });
      const clients = (n: number) => headersOf(first + n);
      expect(await statuses(proxied, read, clients)).toEqual(
        Array(5).fill(401),
      );
      const client = () => headersOf(first);
      expect(await statuses(proxied, read, client)).toEqual(limited(401));
    },
  );

  it('but counts the clients of a trusted proxy separately', async () => {
    const all = await statuses(proxied, read, rotated);
    expect(all).toEqual([401, 401, 401, 401, 401]);
  });
});

describe('RATE_LIMIT=0', () => {
  const api = useTestApp({ environment: JWT_MODE });

  it('limits nothing', async () => {
    const headers = await as('alice');
    for (let i = 0; i < 700; i++) {
      const response = await api.send(
        'GET',
        '/api/history',
        undefined,
        headers,
      );
      expect(response.status).toBe(200);
      expect(response.headers).not.toHaveProperty('x-ratelimit-limit');
    }
  });
});

describe('without AUTH_MODE', () => {
  const api = useTestApp();

  it('limits nothing', async () => {
    for (let i = 0; i < 130; i++) {
      expect((await createSession(api)).version).toBe(1);
    }
  });
});
