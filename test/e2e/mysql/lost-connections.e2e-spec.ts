import { afterAll, afterEach, expect, inject, it } from 'vitest';
import { apiRequests } from '../../support/api-requests.js';
import {
  append,
  createSession,
  getSession,
  userMessages,
} from '../../support/api.js';
import type { TcpProxy } from '../../support/faults/tcp-proxy.js';
import { createProxiedDatabase } from '../../support/mysql-database.js';
import { useTestApp } from '../../support/test-app.js';

let proxy: TcpProxy;
const api = useTestApp({
  createDatabase: async () => {
    const database = await createProxiedDatabase(inject('mysqlUrl'));
    proxy = database.proxy;
    return database;
  },
  environment: { CACHE: 'off' },
});
afterEach(() => proxy?.heal());
afterAll(() => proxy?.stop());

it.each(['refuse', 'reset'] as const)(
  'every request gets 503 with Retry-After, and writes nothing, while the network does this: %s',
  async (kind) => {
    const { id, messages } = await createSession(api, {}, 2);
    const before = await getSession(api, id);
    proxy.inject({ kind });
    const responses = await Promise.all(
      apiRequests(id, messages[1]!.id).map(({ method, path, body }) =>
        api.send(method, path, body),
      ),
    );
    await proxy.heal();
    expect(responses.map(({ status }) => status)).toEqual(
      responses.map(() => 503),
    );
    for (const { headers, body } of responses) {
      expect(headers['retry-after']).toBe('1');
      expect(body).toMatchObject({ code: 'store_unreachable' });
    }
    expect(await getSession(api, id)).toEqual(before);
    expect((await append(api, id, userMessages(1)[0]!)).status).toBe(201);
  },
);
