import { beforeAll, describe, expect, it } from 'vitest';
import { A_UUID, errorBody, NOBODYS_ID } from '../support/api.js';
import { type Method, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });

/** What anyone may see: whether the service lives, and how it is used. */
const PUBLIC = /^\w+ \/(health\/(live|ready)|api\/docs(-json|-yaml|\/.*)?)$/;

const VALUES: Record<string, string> = {
  session_id: NOBODYS_ID,
  message_id: 'msg_01',
  document_id: 'doc-42',
  section_id: 'sec-7',
};

let routes: [Method, string][];

beforeAll(() => {
  routes = api.routes
    .filter((route) => !PUBLIC.test(route))
    .map((route) => route.split(' ') as [Method, string])
    .map(([method, path]) => [
      method,
      path.replace(/:(\w+)/g, (_, name: string) => VALUES[name] ?? ''),
    ]);
});

describe('every route but those of health and docs', () => {
  it('is more than a few, and each of its parameters has a value here', () => {
    expect(routes.length).toBeGreaterThanOrEqual(13);
    for (const [, path] of routes) expect(path).not.toMatch(/\/\/|\/$|:/);
  });

  it('refuses who is not identified, whatever is asked for', async () => {
    for (const [method, path] of routes) {
      const answer = await api.send(method, path);
      expect(answer.status, `${method} ${path}`).toBe(401);
      expect(answer.headers).toMatchObject({
        'www-authenticate': 'Bearer',
        'x-request-id': A_UUID,
        vary: 'Authorization',
      });
      if (method === ('HEAD' as Method)) continue;
      expect(answer.body).toEqual(errorBody('No access token'));
    }
  });

  it('knows who is identified', async () => {
    const headers = await as('alice');
    for (const [method, path] of routes) {
      const answer = await api.send(method, path, undefined, headers);
      expect(answer.status, `${method} ${path}`).not.toBe(401);
      expect(answer.headers.vary).toBe('Authorization');
    }
  });
});

describe('routes of health and docs', () => {
  it.each([
    '/health/live',
    '/health/ready',
    '/api/docs',
    '/api/docs-json',
    '/api/docs/swagger-ui-bundle.js',
  ])('%s is open', async (path) => {
    expect((await api.send('GET', path)).status).toBe(200);
  });
});
