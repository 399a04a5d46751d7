import { describe, expect, it } from 'vitest';
import { createSession } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const APP = 'https://app.example.com';
const EVIL = 'https://evil.example.com';

describe('security headers', () => {
  const api = useTestApp();

  it.each(['/api/history', '/api/docs', '/api/nothing', '/health/live'])(
    'are in every response: %s',
    async (path) => {
      const { headers } = await api.send('GET', path);
      expect(headers).toMatchObject({
        'content-security-policy':
          "default-src 'self';base-uri 'none';frame-ancestors 'none';object-src 'none';style-src 'self' 'unsafe-inline';img-src 'self' data:",
        'strict-transport-security': 'max-age=31536000; includeSubDomains',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      });
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).not.toHaveProperty('server');
    },
  );

  it('allow all that Swagger UI loads', async () => {
    const { text } = await api.send('GET', '/api/docs');
    expect(text).not.toMatch(/<script(?![^>]* src="\.\/docs\/)/);
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});

describe('without CORS_ORIGINS', () => {
  const api = useTestApp({ environment: JWT_MODE });

  it.each([APP, EVIL, 'null', ''])(
    'a page of %j may not read a response',
    async (origin) => {
      const { status, headers } = await api.send(
        'GET',
        '/api/history',
        undefined,
        { origin, ...(await as('alice')) },
      );
      expect(status).toBe(200);
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      const preflight = await api.app.inject({
        method: 'OPTIONS',
        url: '/api/history',
        headers: {
          origin,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization',
        },
      });
      expect(preflight.statusCode).toBe(404);
      expect(preflight.headers).not.toHaveProperty(
        'access-control-allow-origin',
      );
    },
  );
});

describe('with CORS_ORIGINS', () => {
  const api = useTestApp({
    environment: { ...JWT_MODE, CORS_ORIGINS: `${APP}, http://localhost:5173` },
  });

  function preflight(origin: string, path: string, method: string) {
    return api.app.inject({
      method: 'OPTIONS',
      url: path,
      headers: { origin, 'access-control-request-method': method },
    });
  }

  it.each([APP, 'http://localhost:5173'])(
    'a page of %s may send what a client needs, and its preflight needs no token',
    async (origin) => {
      const { statusCode, headers } = await preflight(
        origin,
        '/api/chat-sessions',
        'PATCH',
      );
      expect(statusCode).toBe(204);
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers':
          'Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id',
        'access-control-max-age': '600',
      });
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
    },
  );

  it('such a page may read what a client needs, also of errors', async () => {
    const headers = { origin: APP, ...(await as('alice')) };
    for (const path of ['/api/history', '/api/chat-sessions/abc']) {
      const response = await api.send('GET', path, undefined, headers);
      expect(response.headers).toMatchObject({
        'access-control-allow-origin': APP,
        'access-control-expose-headers':
          'ETag, X-Request-Id, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Idempotent-Replayed',
      });
      const vary = [response.headers.vary].flat().join(', ');
      expect(vary.split(', ').toSorted()).toEqual(['Authorization', 'Origin']);
    }
  });

  it.each([
    EVIL,
    'null',
    '',
    '*',
    'http://app.example.com',
    `${APP}:8443`,
    `${APP}.evil.example.com`,
    'https://evil-app.example.com',
    `${APP}/`,
    `${APP} ${EVIL}`,
    `http://localhost:5173,${EVIL}`,
  ])('a page of %j may not', async (origin) => {
    const asked = await preflight(origin, '/api/chat-sessions', 'POST');
    expect(asked.headers).not.toHaveProperty('access-control-allow-origin');
    const { headers } = await api.send('GET', '/api/history', undefined, {
      origin,
      ...(await as('alice')),
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('Vary', () => {
  const api = useTestApp();

  it('is not sent if all requests have one owner', async () => {
    const { id } = await createSession(api);
    const { headers } = await api.send('GET', `/api/chat-sessions/${id}`);
    expect(headers).not.toHaveProperty('vary');
    expect(headers['cache-control']).toBe('private, no-cache');
  });
});
