import { describe, expect, it } from 'vitest';
import { createSession, errorBody } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const LIMITS = { RATE_LIMIT: '5', RATE_LIMIT_WRITES: '3' };

/** Limits are counted for a minute: each test has owners and addresses of its own. */
describe('RATE_LIMIT', () => {
  const api = useTestApp({ environment: { ...JWT_MODE, ...LIMITS } });

  it('counts the reads of an owner over all routes', async () => {
    const headers = await as('reader');
    const paths = ['history', 'chat-sessions', 'session/history'];
    for (const [index, path] of [...paths, ...paths].slice(0, 5).entries()) {
      const answer = await api.send('GET', `/api/${path}`, undefined, headers);
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        'x-ratelimit-limit': '5',
        'x-ratelimit-remaining': String(4 - index),
        'x-ratelimit-reset': expect.stringMatching(/^(5\d|60)$/) as string,
      });
    }
    const answer = await api.send('GET', '/api/history', undefined, headers);
    expect(answer.status).toBe(429);
    expect(answer.body).toEqual(errorBody('Too many requests'));
    expect(answer.headers['retry-after']).toMatch(/^(5\d|60)$/);
  });

  it('counts writes apart from reads', async () => {
    const headers = await as('writer');
    const create = () => api.send('POST', '/api/chat-sessions', {}, headers);
    for (let i = 0; i < 3; i++) {
      const answer = await create();
      expect(answer.status).toBe(201);
      expect(answer.headers['x-ratelimit-limit']).toBe('3');
    }
    expect((await create()).status).toBe(429);
    const read = await api.send('GET', '/api/history', undefined, headers);
    expect(read.status).toBe(200);
  });

  it('counts requests that are refused for what they ask, too', async () => {
    const headers = await as('careless');
    const ask = () =>
      api.send('GET', '/api/chat-sessions/abc', undefined, headers);
    for (let i = 0; i < 5; i++) expect((await ask()).status).toBe(400);
    expect((await ask()).status).toBe(429);
  });

  it('counts each owner alone, whatever the token', async () => {
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

  it('counts who is not identified by address, before the refusal', async () => {
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
    // The owner behind the same address is not to blame.
    const { authorization } = await as('neighbour');
    expect(await statusFrom('192.0.2.1', authorization.slice(7))).toBe(200);
  });

  it('takes the addresses of an IPv6 network for one', async () => {
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

  it('does not count health', async () => {
    for (let i = 0; i < 10; i++) {
      const { status, headers } = await api.send('GET', '/health/live');
      expect(status).toBe(200);
      expect(headers).not.toHaveProperty('x-ratelimit-limit');
    }
  });
});

describe('RATE_LIMIT=0', () => {
  const api = useTestApp({ environment: JWT_MODE });

  it('is no limit', async () => {
    const headers = await as('alice');
    for (let i = 0; i < 700; i++) {
      const answer = await api.send('GET', '/api/history', undefined, headers);
      expect(answer.status).toBe(200);
      expect(answer.headers).not.toHaveProperty('x-ratelimit-limit');
    }
  });
});

describe('without AUTH_MODE', () => {
  const api = useTestApp();

  it('nothing is limited', async () => {
    for (let i = 0; i < 130; i++) {
      expect((await createSession(api)).version).toBe(1);
    }
  });
});
