import { beforeAll, describe, expect, it } from 'vitest';
import { A_UUID, createSession } from '../support/api.js';
import { useTestApp } from '../support/test-app.js';

const api = useTestApp();
let path: string;

beforeAll(async () => {
  const { id } = await createSession(api);
  path = `/api/chat-sessions/${id}`;
});

describe('X-Request-Id', () => {
  it.each(['a', '0', 'A-z_0.9', 'x'.repeat(128)])(
    'is that of the request: %s',
    async (id) => {
      const headers = { 'x-request-id': id };
      const response = await api.send('GET', path, undefined, headers);
      expect(response.status).toBe(200);
      expect(response.headers['x-request-id']).toBe(id);
    },
  );

  it.each([
    ['nothing', ''],
    ['a space', 'a b'],
    ['a comma', 'a,b'],
    ['a tab', 'a\tb'],
    ['HTML', '<script>'],
    ['a letter beyond ASCII', 'ä'],
    ['129 characters', 'x'.repeat(129)],
    ['5 KiB', 'x'.repeat(5 * 1024)],
  ])('is a new UUID for a malformed one: %s', async (_, id) => {
    const headers = { 'x-request-id': id };
    const response = await api.send('GET', path, undefined, headers);
    expect(response.status).toBe(200);
    expect(response.headers['x-request-id']).toEqual(A_UUID);
  });

  it('is a new UUID for each request without one', async () => {
    const ids = new Set<string | undefined>();
    for (const url of [path, path, '/api/nothing']) {
      const { headers } = await api.send('GET', url);
      expect(headers['x-request-id']).toEqual(A_UUID);
      ids.add(headers['x-request-id']);
    }
    expect(ids.size).toBe(3);
  });
});
