import { expect, it } from 'vitest';
import { connectMysql } from '../../../src/database/mysql/connection.js';
import { append, createSession, getSession } from '../../support/api.js';
import { inParallel } from '../../support/parallel.js';
import { startPreparedServer, urlOf } from '../../support/prepared-server.js';
import { useTestApp } from '../../support/test-app.js';

const LIMIT = 5;

const api = useTestApp({
  createDatabase: async () => {
    const server = await startPreparedServer();
    const connection = await connectMysql(server.url);
    const account = new URL(urlOf([server])).username;
    await connection.query(
      `ALTER USER ${account}@'127.0.0.1' WITH MAX_USER_CONNECTIONS ${LIMIT}`,
    );
    await connection.end();
    return { url: urlOf([server]), remove: () => server.stop() };
  },
  environment: { CACHE: 'off' },
});

it('requests wait for the connections that the account may have', async () => {
  const { id } = await createSession(api);
  const responses = await inParallel(200, (n) =>
    n % 2
      ? append(api, id, { role: 'user', content: 'Hello' })
      : api.send('GET', `/api/chat-sessions/${id}`),
  );
  expect(new Set(responses.map(({ status }) => status))).toEqual(
    new Set([200, 201]),
  );
  expect((await getSession(api, id)).message_count).toBe(100);
  const warnings = api.logger.warnings.filter((warning) =>
    String(warning).includes("than the account's limit"),
  );
  expect(warnings).toHaveLength(1);
});
