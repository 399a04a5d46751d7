import { describe, expect, it } from 'vitest';
import { errorBody } from '../support/api.js';
import { asOwner } from '../support/owners.js';
import { useTestApp } from '../support/test-app.js';
import { JWT_MODE } from '../support/tokens.js';

const api = useTestApp({ environment: JWT_MODE });
const alice = asOwner(api, 'alice');

const SESSION = '/api/chat-sessions/01938f5e-0000-7000-8000-000000000001';

describe('an unknown route', () => {
  it.each([
    ['GET', '/api/nothing'],
    ['GET', '/chat-sessions'],
    ['GET', '/api/Chat-Sessions'],
    ['GET', '/api/chat-sessions/'],
    ['PUT', '/api/chat-sessions'],
    ['DELETE', '/api/chat-sessions'],
    ['PUT', SESSION],
    ['GET', `${SESSION}/config`],
    ['PUT', `${SESSION}/messages/mine`],
    ['POST', '/api/history'],
  ] as const)(
    'gets 404, with and without a token: %s %s',
    async (method, path) => {
      for (const sender of [alice, api]) {
        const response = await sender.send(method, path, undefined, {
          'x-request-id': 'mine',
        });
        expect(response.status).toBe(404);
        expect(response.body).toEqual(errorBody(`Cannot ${method} ${path}`));
        expect(response.headers['x-request-id']).toBe('mine');
      }
    },
  );
});
