import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
} from '@nestjs/common/constants.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { controllersOf } from '../../src/chat-sessions/controllers.js';
import { OwnerGuard } from '../../src/chat-sessions/routes/owner.guard.js';
import { ChatSessionsExceptionsFilter } from '../../src/http/exception.filter.js';
import { JsonBodyGuard } from '../../src/http/json-body.guard.js';
import { A_UUID, errorBody, NOBODYS_ID } from '../support/api.js';
import { type Method, useTestApp } from '../support/test-app.js';
import { as, JWT_MODE } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });

/** Routes that need no token. */
const PUBLIC =
  /^\w+ \/(|api|health\/(live|ready)|api\/docs(-json|-yaml|\/.*)?)$/;

const VALUES: Record<string, string> = {
  session_id: NOBODYS_ID,
  message_id: 'msg_01',
  document_id: 'doc-42',
  section_id: 'sec-7',
  run_id: 'run_01',
  interrupt_id: 'pay',
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

describe('every other route', () => {
  it('is in this test, with a value for each parameter', () => {
    expect(routes.length).toBeGreaterThanOrEqual(13);
    for (const [, path] of routes) expect(path).not.toMatch(/\/\/|\/$|:/);
  });

  it('answers 401 without a token', async () => {
    for (const [method, path] of routes) {
      const response = await api.send(method, path);
      expect(response.status, `${method} ${path}`).toBe(401);
      expect(response.headers).toMatchObject({
        'www-authenticate': 'Bearer',
        'x-request-id': A_UUID,
        vary: 'Authorization',
      });
      if (method === ('HEAD' as Method)) continue;
      expect(response.body).toEqual(errorBody('No access token'));
    }
  });

  it('does not answer 401 with a token', async () => {
    const headers = await as('alice');
    for (const [method, path] of routes) {
      const response = await api.send(method, path, undefined, headers);
      expect(response.status, `${method} ${path}`).not.toBe(401);
      expect(response.headers.vary).toBe('Authorization');
    }
  });
});

it('every controller of the module has its guards and its filter', () => {
  const controllers = controllersOf({});
  expect(controllers.length).toBeGreaterThanOrEqual(7);
  for (const controller of controllers) {
    expect(Reflect.getMetadata(GUARDS_METADATA, controller)).toEqual([
      OwnerGuard,
      JsonBodyGuard,
    ]);
    expect(Reflect.getMetadata(EXCEPTION_FILTERS_METADATA, controller)).toEqual(
      [ChatSessionsExceptionsFilter],
    );
  }
});

describe('a public route', () => {
  it.each([
    '/health/live',
    '/health/ready',
    '/api/docs',
    '/api/docs-json',
    '/api/docs/swagger-ui-bundle.js',
  ])('needs no token: %s', async (path) => {
    expect((await api.send('GET', path)).status).toBe(200);
  });
});
