import { afterAll, afterEach, expect, inject, it } from 'vitest';
import { apiRequests } from '../../support/api-requests.js';
import {
  append,
  createSession,
  failureBody,
  getSession,
  hasFixedFailures,
  userMessages,
} from '../../support/api.js';
import type { TcpProxy } from '../../support/faults/tcp-proxy.js';
import { createProxiedDatabase } from '../../support/mysql-database.js';
import { inParallel } from '../../support/parallel.js';
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
  'every request fails, mostly with 503 and Retry-After, and writes nothing, while the network does this: %s',
  async (kind) => {
    const { id, messages } = await createSession(api, {}, 2);
    const before = await getSession(api, id);
    proxy.inject({ kind });
    const requests = apiRequests(id, messages[1]!.id);
    const exchange = async (n: number) => {
      const { method, path, body } = requests[n]!;
      const response = await api.send(method, path, body);
      return { request: requests[n]!, response };
    };
    let exchanges: Awaited<ReturnType<typeof exchange>>[];
    try {
      exchanges = await inParallel(requests.length, exchange);
    } finally {
      await proxy.heal();
    }
    for (const { request, response } of exchanges) {
      const { route, failure } = request;
      if (hasFixedFailures(route)) {
        expect(response.status).toBe(500);
        expect(response.body).toEqual(failureBody(route, failure));
      } else {
        expect(response.status).toBe(503);
        expect(response.headers['retry-after']).toBe('1');
        expect(response.body).toMatchObject({ code: 'store_unreachable' });
      }
    }
    expect(await getSession(api, id)).toEqual(before);
    expect((await append(api, id, userMessages(1)[0]!)).status).toBe(201);
  },
);
