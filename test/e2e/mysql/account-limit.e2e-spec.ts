import type { Connection } from 'mysql2/promise';
import { describe, expect, it, onTestFinished } from 'vitest';
import { append, createSession, getSession } from '../../support/api.js';
import { connectMysql } from '../../support/mysql-connection.js';
import { inParallel } from '../../support/parallel.js';
import { startPreparedServer, urlOf } from '../../support/prepared-server.js';
import { useTestApp } from '../../support/test-app.js';

const LIMIT = 5;

describe.each([
  [
    '1226: of the account',
    [],
    (account: string) =>
      `ALTER USER ${account}@'127.0.0.1' WITH MAX_USER_CONNECTIONS ${LIMIT}`,
  ],
  ['1203: of every account', [`--max-user-connections=${LIMIT}`], () => 'DO 0'],
])('a limit of connections, %s', (_, options, limit) => {
  let serverUrl: string;
  const api = useTestApp({
    createDatabase: async () => {
      const server = await startPreparedServer(options);
      serverUrl = server.url;
      const url = urlOf([server]);
      const connection = await connectMysql(serverUrl);
      await connection.query(limit(new URL(url).username));
      await connection.end();
      return { url, remove: () => server.stop() };
    },
    environment: { CACHE: 'off' },
  });

  /** Connections that the server has refused. */
  async function refusals(administrator: Connection): Promise<number> {
    const [rows] = await administrator.query(
      "SHOW GLOBAL STATUS LIKE 'Aborted_connects'",
    );
    return Number((rows as { Value: string }[])[0]!.Value);
  }

  it('makes requests wait, is learnt, and is logged', async () => {
    const administrator = await connectMysql(serverUrl);
    onTestFinished(() => administrator.destroy());
    const { id } = await createSession(api);
    const send = async () => {
      const responses = await inParallel(200, (n) =>
        n % 2
          ? append(api, id, { role: 'user', content: 'Hello' })
          : api.send('GET', `/api/chat-sessions/${id}`),
      );
      return new Set(responses.map(({ status }) => status));
    };
    expect(await send()).toEqual(new Set([200, 201]));
    const before = await refusals(administrator);
    expect(before).toBeGreaterThan(0);
    expect(await send()).toEqual(new Set([200, 201]));
    expect(await refusals(administrator)).toBe(before);
    expect((await getSession(api, id)).message_count).toBe(200);
    const warnings = api.logger.warnings.filter((warning) =>
      String(warning).includes("than the account's limit"),
    );
    expect(warnings).toHaveLength(1);
  });
});
