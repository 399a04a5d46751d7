import { describe, expect, it } from 'vitest';
import { errorBody } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp({
  environment: {
    AUTH_MODE: 'header',
    IDENTITY_HEADER: 'X-Platform-User',
    TRUSTED_PROXIES: '10.1.0.0/16, fd00::/8',
    RATE_LIMIT: '0',
    RATE_LIMIT_WRITES: '0',
  },
});

/** A request from an address. */
function history(remoteAddress: string, headers: Record<string, string>) {
  return api.app.inject({ url: '/api/history', remoteAddress, headers });
}

describe('AUTH_MODE=header', () => {
  it.each(['10.1.0.1', '10.1.255.255', '::ffff:10.1.2.3', 'fd12::1'])(
    'accepts the owner from the gateway at %s',
    async (address) => {
      const response = await history(address, { 'x-platform-user': 'alice' });
      expect(response.statusCode).toBe(200);
      expect(response.headers.vary).toBe('X-Platform-User');
    },
  );

  it.each(['10.2.0.1', '127.0.0.1', '::1', '::ffff:10.2.0.1', 'fe80::1'])(
    'answers 401 to any other address: %s',
    async (address) => {
      const response = await history(address, {
        'x-platform-user': 'alice',
        'x-forwarded-for': '10.1.0.1',
        forwarded: 'for=10.1.0.1',
      });
      expect(response.statusCode).toBe(401);
      expect(response.json()).toEqual(
        errorBody('The request did not come through a trusted proxy'),
      );
      expect(response.headers['www-authenticate']).toBe('Gateway');
    },
  );

  it.each([
    ['no header', {}, 'No identity'],
    ['only another header', { 'x-user-id': 'alice' }, 'No identity'],
    ['an empty header', { 'x-platform-user': '' }, 'The identity is malformed'],
    [
      'a control character',
      { 'x-platform-user': 'a\x01' },
      'The identity is malformed',
    ],
    [
      '192 characters',
      { 'x-platform-user': 'a'.repeat(192) },
      'The identity is malformed',
    ],
  ])(
    'answers 401 without an owner from the gateway: %s',
    async (_, headers, error) => {
      const response = await history(
        '10.1.0.1',
        headers as Record<string, string>,
      );
      expect(response.statusCode).toBe(401);
      expect(response.json()).toEqual(errorBody(error));
    },
  );

  it('separates owners', async () => {
    const created = await api.app.inject({
      method: 'POST',
      url: '/api/chat-sessions',
      remoteAddress: '10.1.0.1',
      headers: { 'x-platform-user': 'alice' },
      payload: {},
    });
    expect(created.statusCode).toBe(201);
    const { id } = created.json<{ chat_session: { id: string } }>()
      .chat_session;
    const statusFor = async (owner: string) => {
      const { statusCode } = await api.app.inject({
        url: `/api/chat-sessions/${id}`,
        remoteAddress: '10.1.0.1',
        headers: { 'x-platform-user': owner },
      });
      return statusCode;
    };
    expect(await statusFor('alice')).toBe(200);
    expect(await statusFor('bob')).toBe(404);
    expect(await statusFor('Alice')).toBe(404);
  });
});
