import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, inject, it } from 'vitest';
import { append, createSession } from '../../support/api.js';
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
afterAll(() => proxy?.stop());

it('connections that a gateway has forgotten while they were idle fail no request', async () => {
  const { id } = await createSession(api);
  const requests = (count: number) =>
    inParallel(count, (n) =>
      n % 2
        ? append(api, id, { role: 'user', content: 'Hello' })
        : api.send('GET', `/api/chat-sessions/${id}`),
    );
  // The connections that a platform's own code has used count as well.
  await inParallel(20, () => api.dataSource.query('SELECT SLEEP(0.1)'));
  await sleep(11_000);
  proxy.inject({ kind: 'forget' });
  expect(proxy.faults).toBeGreaterThan(10);
  const start = performance.now();
  const [first] = await requests(1);
  expect(first!.status).toBe(200);
  // A deadline is 60 s here.
  expect(performance.now() - start).toBeLessThan(30_000);
  const responses = await requests(100);
  expect(new Set(responses.map(({ status }) => status))).toEqual(
    new Set([200, 201]),
  );
});
